/** What a store worker puts under a key. */
export const WORKER_BYTES = 12 * 1024 * 1024;

export function workerBytes(key: string): Buffer {
	return Buffer.alloc(WORKER_BYTES, key);
}
