/** Writes a source into an image that is still empty: objects of zeros are holes, data come before the index that names them. */
import { ImageError } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import type { Sheep } from './connection.ts';
import { INODE } from './protocol.ts';
import { createObject, type Vdi, writeIndex } from './vdi.ts';

/** so many objects are on their way at once; one more is being filled */
const IN_FLIGHT = 3;

export interface WriteOptions {
	/** after so many bytes the index is written */
	readonly indexBytes: number;
	readonly signal: AbortSignal;
	/** for the index of what was written when something has failed: deleting an image finds its objects by it */
	readonly lastSignal: () => AbortSignal;
}

/** Bytes written. `invalid` when the source is not of its size. */
export async function writeSource(sheep: Sheep, vdi: Vdi, source: ObjectSource, options: WriteOptions): Promise<number> {
	const { indexBytes, signal } = options;
	const flying = new Set<Promise<void>>();
	let owned: boolean[] = [];
	let first = 0;
	let failure: unknown;

	async function writeObject(data: Buffer): Promise<void> {
		const index = first + owned.length;
		owned.push(false);
		if (index >= INODE.entries) throw new ImageError('full', 'the image is larger than sheepdog takes');
		if (isZeros(data)) return;
		while (flying.size >= IN_FLIGHT) await Promise.race(flying);
		if (failure !== undefined) throw failure;
		// whether it was written when it fails, nobody knows: the index names it, so that it goes with the image
		owned[owned.length - 1] = true;
		const flight: Promise<void> = createObject(sheep, vdi, index, data, signal)
			.catch((error: unknown) => {
				failure ??= error;
			})
			.finally(() => flying.delete(flight));
		flying.add(flight);
	}

	async function settle(within: AbortSignal, failed = false): Promise<void> {
		await Promise.all(flying);
		if (failure !== undefined && !failed) throw failure;
		if (owned.includes(true)) await writeIndex(sheep, vdi, first, owned, within);
		first += owned.length;
		owned = [];
	}

	try {
		let bytes = 0;
		for await (const data of objects(source, vdi.objectBytes)) {
			signal.throwIfAborted();
			bytes += data.length;
			await writeObject(data);
			if (owned.length * vdi.objectBytes >= indexBytes) await settle(signal);
			if (failure !== undefined) throw failure;
		}
		await settle(signal);
		return bytes;
	} catch (error) {
		await settle(options.lastSignal(), true).catch(() => undefined);
		throw error;
	}
}

/** The source in pieces of the size of an object, each a copy of its own. */
async function* objects(source: ObjectSource, objectBytes: number): AsyncGenerator<Buffer> {
	let filling = Buffer.allocUnsafe(objectBytes);
	let filled = 0;
	let bytes = 0;
	for await (const chunk of source.read()) {
		bytes += chunk.length;
		if (source.size !== undefined && bytes > source.size) throw wrongSize(source.size);
		for (let at = 0; at < chunk.length; ) {
			const part = chunk.subarray(at, at + objectBytes - filled);
			filling.set(part, filled);
			filled += part.length;
			at += part.length;
			if (filled < objectBytes) continue;
			yield filling;
			filling = Buffer.allocUnsafe(objectBytes);
			filled = 0;
		}
	}
	if (source.size !== undefined && bytes !== source.size) throw wrongSize(source.size);
	if (filled > 0) yield filling.subarray(0, filled);
}

function isZeros(data: Buffer): boolean {
	return data[0] === 0 && data.compare(data, 1, data.length, 0, data.length - 1) === 0;
}

function wrongSize(expected: number): ImageError {
	return new ImageError('invalid', `the object's data are not the ${expected} bytes announced`);
}
