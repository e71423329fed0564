/**
 * Memory lent to whoever reads a connection. A reader may keep what it is handed for ever, and the collector sees to it.
 * One that copies bytes out at once may say so: when every byte of a buffer has been given back, and by nobody twice, the
 * buffer is used again or freed at once instead of waiting for the collector, whose passes over the whole heap are what
 * receiving costs most.
 */
const loans = new WeakMap<ArrayBufferLike, Loan>();

interface Loan {
	bytesOut: number;
	readonly onReturned: () => void;
}

/** `bytesOut` of the buffer are handed to readers; `onReturned` is called when all of these are back, or never. */
export function lend(buffer: ArrayBufferLike, bytesOut: number, onReturned: () => void): void {
	loans.set(buffer, { bytesOut, onReturned });
}

/** The caller has held these very bytes and will not look at them again. Of memory that was not lent, nothing is known. */
export function giveBack(piece: Uint8Array): void {
	const loan = loans.get(piece.buffer);
	if (loan === undefined) return;
	loan.bytesOut -= piece.byteLength;
	if (loan.bytesOut !== 0) return;
	loans.delete(piece.buffer);
	loan.onReturned();
}
