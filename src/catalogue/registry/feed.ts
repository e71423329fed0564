import type { LogVector } from '../ports.ts';
import type { Store } from '../store.ts';

/** Entries read from the store at once. */
const READ_ENTRIES = 64;

/** See LogFeed.missing. What `have` says of logs that are not held, or beyond their end, is of no consequence. */
export async function missingEntries(store: Store, have: LogVector, maxBytes: number): Promise<readonly Uint8Array[]> {
	const entries: Uint8Array[] = [];
	let bytes = 0;
	for (const [log, head] of [...store.heads()].sort(([a], [b]) => (a < b ? -1 : 1))) {
		let from = nextAfter(have.get(log));
		while (from <= head.seq) {
			const to = Math.min(from + READ_ENTRIES - 1, head.seq);
			for (const envelope of await store.entries(log, from, to)) {
				if (entries.length > 0 && bytes + envelope.length > maxBytes) return entries;
				entries.push(envelope);
				bytes += envelope.length;
			}
			from = to + 1;
		}
	}
	return entries;
}

function nextAfter(seq: number | undefined): number {
	return seq !== undefined && Number.isSafeInteger(seq) && seq > 0 ? seq + 1 : 1;
}
