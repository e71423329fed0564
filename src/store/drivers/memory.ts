/** A real driver that keeps objects in memory: for tests of everything above the port. */
import { ImageError } from '#domain/errors.ts';
import type { DriverManifest, StoreDriver } from '../driver.ts';

export const manifest: DriverManifest = {
	type: 'memory',
	schemes: ['memory'],
	writable: true,
	ranged: true,
	adoptsFiles: false,
};

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
			if (object.length !== source.size)
				throw new ImageError('invalid', `the object's data are not the ${source.size} bytes announced`);
			if (objects.has(location)) throw new ImageError('conflict', `memory store holds ${location} already`);
			objects.set(location, object);
			return { location, how: 'copy' };
		},
		async *get(location, range, { signal }) {
			const object = find(location);
			signal.throwIfAborted();
			if (range.end > object.length) throw new ImageError('corrupt', 'the stored object is shorter than the range asked for');
			yield Buffer.from(object.subarray(range.start, range.end));
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
