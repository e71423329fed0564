/**
 * Objects in stores, and the notes of which are ours: `o/<store>/<image>` → the location, empty while nobody can tell it. A
 * note is durable before the object is there and goes only after it. `d/<store>/<image>`: somebody took the image out of
 * that store on purpose. docs/decisions/0015-stores.md
 */
import type { ContentStore } from '#content/ports.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ContentRef, ImageId } from '#domain/image.ts';
import type { ImageObjects, ObjectFacts } from '#domain/ports/image-objects.ts';
import type { ImageStore, ObjectSource, PutCall, StoreCall, StoreLocation } from '#domain/ports/stores.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { oneAtATime } from '#lib/one-at-a-time.ts';

export interface ImageObjectsOptions {
	/** durable; the notes */
	readonly kv: KeyValue;
	readonly content: Pick<ContentStore, 'read' | 'file' | 'pin'>;
	/** What `leave` is told; default: the note alone stays, for the next start. */
	readonly onLeft?: (id: ImageId, store: ImageStore) => void;
}

export function createImageObjects({ kv, content, onLeft }: ImageObjectsOptions): ImageObjects {
	/** Of one object: a put and a removal at the same time would leave what neither knows of. */
	const alone = oneAtATime();

	async function note(key: string, location: string): Promise<void> {
		await kv.write([{ put: key, value: Buffer.from(location) }], { sync: true });
	}

	function noteOf(key: string): string | undefined {
		const value = kv.get(key);
		return value === undefined ? undefined : Buffer.from(value).toString('utf8');
	}

	async function put(image: ObjectFacts, ref: ContentRef, store: ImageStore, call: PutCall): Promise<StoreLocation> {
		const key = keyOf(store, image.id);
		const expected = await store.locate(image.id, call);
		const known = noteOf(key);
		const isOurs = known !== undefined || expected === undefined || !(await isThere(store, expected, call));
		if (isOurs) await note(key, known || expected || '');
		try {
			const noting = { ...call, onPlace: (url: string) => note(key, url) };
			const { location, metadata } = await store.put(image.id, sourceOf(image, ref, call.signal), noting);
			if (location !== expected || !isOurs) await note(key, location);
			return { url: location, metadata: { ...metadata, store: store.id } };
		} catch (error) {
			// The note stays whatever went wrong: some backends finish what they have refused.
			if (codeOf(error) !== 'conflict' || expected === undefined) throw error;
			return await adopt(image, ref, store, expected, isOurs, call);
		}
	}

	/** An object of this id is there: ours, from just before a crash, or somebody else's. */
	async function adopt(...[image, ref, store, url, isOurs, call]: Adopting): Promise<StoreLocation> {
		const key = keyOf(store, image.id);
		if (await sameBytes(ref, store, url, call)) {
			await note(key, url);
			return { url, metadata: { store: store.id } };
		}
		if (!isOurs) throw new ImageError('conflict', `store ${store.id} holds other bytes under ${image.id}`);
		// of an earlier try to give this image bytes: no record has ever named it
		await removeAt(store, url, call);
		return put(image, ref, store, call);
	}

	async function sameBytes(ref: ContentRef, store: ImageStore, url: string, call: StoreCall): Promise<boolean> {
		if ((await store.stat(url, call)).size !== ref.size) return false;
		let start = 0;
		for await (const chunk of store.get(url, 'whole', call)) {
			let at = 0;
			for await (const own of content.read(ref, { start, end: start + chunk.length }, call)) {
				if (Buffer.compare(own, chunk.subarray(at, at + own.length)) !== 0) return false;
				at += own.length;
			}
			start += chunk.length;
		}
		return start === ref.size;
	}

	function sourceOf({ checksum, owner }: ObjectFacts, ref: ContentRef, signal: AbortSignal): ObjectSource {
		const file = content.file(ref.root);
		return {
			size: ref.size,
			...(checksum !== null && { checksum }),
			owner,
			rereadable: true,
			checked: true,
			read: () => content.read(ref, { start: 0, end: ref.size }, { signal, check: true }),
			...(file !== undefined && { file }),
		};
	}

	async function remove(id: ImageId, store: ImageStore, call: StoreCall): Promise<void> {
		const key = keyOf(store, id);
		const noted = noteOf(key);
		if (noted === undefined) return;
		// the folder of a store may have moved since: it goes from where it was put and from where it would be put now
		const urls = new Set([noted, (await store.locate(id, call)) ?? '']);
		for (const url of urls) if (url !== '') await removeAt(store, url, call);
		await kv.write([{ del: key }], { sync: true });
	}

	return {
		put: (image, ref, store, call) =>
			alone(keyOf(store, image.id), async () => {
				using _pinned = content.pin(ref.root);
				if (kv.get(declinedKey(store, image.id)) !== undefined)
					await kv.write([{ del: declinedKey(store, image.id) }], { sync: true });
				return await put(image, ref, store, call);
			}),
		claim: (id, store, location) => alone(keyOf(store, id), () => note(keyOf(store, id), location)),
		remove: (id, store, call) => alone(keyOf(store, id), () => remove(id, store, call)),
		async decline(id, store, call) {
			await kv.write([{ put: declinedKey(store, id), value: new Uint8Array(0) }], { sync: true });
			await alone(keyOf(store, id), () => remove(id, store, call));
		},
		isDeclined: (id, store) => kv.get(declinedKey(store, id)) !== undefined,
		leave(id, store) {
			if (noteOf(keyOf(store, id)) !== undefined) onLeft?.(id, store);
		},
		isNoted: (id, store) => noteOf(keyOf(store, id)) !== undefined,
		async *noted(store) {
			const prefix = keyOf(store, '');
			for await (const key of kv.keys({ gt: prefix, lt: `${prefix}~` })) yield key.slice(prefix.length);
		},
	};
}

type Adopting = [image: ObjectFacts, ref: ContentRef, store: ImageStore, url: string, isOurs: boolean, call: PutCall];

function keyOf(store: ImageStore, id: ImageId): string {
	return `o/${store.id}/${id}`;
}

function declinedKey(store: ImageStore, id: ImageId): string {
	return `d/${store.id}/${id}`;
}

async function isThere(store: ImageStore, location: string, call: StoreCall): Promise<boolean> {
	try {
		await store.stat(location, call);
		return true;
	} catch (error) {
		if (codeOf(error) === 'not-found') return false;
		throw error;
	}
}

async function removeAt(store: ImageStore, location: string, call: StoreCall): Promise<void> {
	try {
		await store.remove(location, call);
	} catch (error) {
		if (!['not-found', 'invalid'].includes(codeOf(error) ?? '')) throw error;
	}
}
