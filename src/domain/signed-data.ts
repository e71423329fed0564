import type { SignatureCheck } from './ports/signatures.ts';

/**
 * The same chunks, shown to the check on their way, and judged before the source ends: whoever stores them as they come has
 * not stored them yet when they turn out wrong, and lets go of them as after any other source that fails.
 */
export async function* checkedBy(check: SignatureCheck, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
	for await (const chunk of source) {
		check.feed(chunk);
		yield chunk;
	}
	check.verify();
}
