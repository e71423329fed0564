/** What the three ways of moving a file have in common: a file to read by blocks, a file to write by blocks, and a meter. */
import { createHash, hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

export const BLOCK_BYTES = 1 << 20;

/** What a role is told; everything crosses as text. */
export interface Task {
	readonly file: string;
	/** where the other side writes it */
	readonly to: string;
	readonly size: number;
	/** where the other side listens */
	readonly address?: string;
}

export interface Measured {
	readonly seconds: number;
	/** user and system, of the receiving process during the transfer */
	readonly cpuSeconds: number;
	/** sha-256 over the digests of the blocks as received */
	readonly digest: string;
}

/** A place for the bytes, each block hashed and written where it belongs. */
export interface Landing {
	land(index: number, bytes: Uint8Array): Promise<void>;
	finish(): Promise<string>;
}

export async function openLanding(path: string, size: number): Promise<Landing> {
	const file: FileHandle = await open(path, 'w');
	const digests: string[] = new Array(Math.ceil(size / BLOCK_BYTES));
	// writes to one file go one after another, as in the content store: side by side they spin on the inode's lock
	let last: Promise<unknown> = Promise.resolve();
	return {
		async land(index, bytes) {
			digests[index] = hash('sha256', bytes, 'hex');
			const written = last.then(() => file.write(bytes, 0, bytes.byteLength, index * BLOCK_BYTES));
			last = written;
			await written;
		},
		async finish() {
			await last;
			await file.close();
			return createHash('sha256').update(digests.join()).digest('hex');
		},
	};
}

/** Bytes as they come, cut into blocks; two buffers, so that one is written while the other fills. */
export function createCutter(landing: Landing, size: number) {
	const buffers = [Buffer.allocUnsafeSlow(BLOCK_BYTES), Buffer.allocUnsafeSlow(BLOCK_BYTES)];
	const pending: Promise<void>[] = [Promise.resolve(), Promise.resolve()];
	let index = 0;
	let filled = 0;
	let total = 0;
	return {
		/** False once the next buffer is still being written: wait for `ready` before more comes. */
		take(piece: Uint8Array): Promise<void> | undefined {
			let wait: Promise<void> | undefined;
			for (let at = 0; at < piece.byteLength; ) {
				const buffer = buffers[index % 2] as Buffer;
				const count = Math.min(BLOCK_BYTES - filled, piece.byteLength - at);
				buffer.set(piece.subarray(at, at + count), filled);
				filled += count;
				total += count;
				at += count;
				if (filled === BLOCK_BYTES || total === size) {
					pending[index % 2] = landing.land(index, buffer.subarray(0, filled));
					index++;
					filled = 0;
					wait = pending[index % 2];
				}
			}
			return wait;
		},
		get complete() {
			return total === size;
		},
		settled: () => Promise.all(pending),
	};
}

export async function meter(work: () => Promise<string>): Promise<Measured> {
	const cpu = process.cpuUsage();
	const start = performance.now();
	const digest = await work();
	const seconds = (performance.now() - start) / 1000;
	const { user, system } = process.cpuUsage(cpu);
	return { seconds, cpuSeconds: (user + system) / 1e6, digest };
}
