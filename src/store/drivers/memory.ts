/** A real driver that keeps objects in memory: for tests of everything above the port. */
import { ImageError } from '#domain/errors.ts';
import type { DriverKind, DriverManifest, StoreDriver } from '../driver.ts';
import { parseOptions } from '../options.ts';

const manifest: DriverManifest = {
	type: 'memory',
	schemes: ['memory'],
	writable: true,
	ranged: true,
	removable: true,
	adoptsFiles: false,
};

export const memory: DriverKind = {
	manifest,
	check: (options) => void parseOptions({}, options),
	open: () => openMemory(),
	properties: () => ({}),
};

const PIECE_BYTES = 64 * 1024;

export async function openMemory(): Promise<StoreDriver> {
	const objects = new Map<string, Uint8Array>();
	const locate = (key: string) => `memory:///${encodeURIComponent(key)}`;
	const find = (location: string) => {
		const object = objects.get(location);
		if (object === undefined) throw new ImageError('not-found', `memory store holds no ${location}`);
		return object;
	};

	return {
		manifest,
		locate,
		async put(key, source, { signal }) {
			const location = locate(key);
			const chunks: Uint8Array[] = [];
			for await (const chunk of source.read()) {
				signal.throwIfAborted();
				chunks.push(Buffer.from(chunk));
			}
			const object = Buffer.concat(chunks);
			if (source.size !== undefined && object.length !== source.size)
				throw new ImageError('invalid', `the object's data are not the ${source.size} bytes announced`);
			if (objects.has(location)) throw new ImageError('conflict', `memory store holds ${location} already`);
			objects.set(location, object);
			return { location, how: 'copy', size: object.length };
		},
		async *get(location, range, { signal }) {
			const object = find(location);
			signal.throwIfAborted();
			const { start, end } = range === 'whole' ? { start: 0, end: object.length } : range;
			if (end > object.length) throw new ImageError('corrupt', 'the stored object is shorter than the range asked for');
			for (let at = start; at < end; at += PIECE_BYTES) {
				signal.throwIfAborted();
				yield Buffer.from(object.subarray(at, Math.min(end, at + PIECE_BYTES)));
			}
		},
		async stat(location) {
			return { size: find(location).length };
		},
		async remove(location) {
			find(location);
			objects.delete(location);
		},
		async check() {},
		async [Symbol.asyncDispose]() {
			objects.clear();
		},
	};
}
