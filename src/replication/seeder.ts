/**
 * Seeding: every image of the fleet gets a copy in this node's central backend. The node pulls missing blocks from whoever
 * holds them, hashes all of the bytes again itself, and only then writes the object and says so in its log. It trusts
 * no site's word: a content whose hashes are not those of its record is never admitted.
 *
 * The catalogue says what there is and the backend's objects are written whole or not at all, so an interruption at any
 * point costs only what was under way: blocks that had come stay, and the next start goes on from there.
 */
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ContentRef, Copy, Image, ImageId } from '#domain/image.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { ImageStore, ObjectSource } from '#domain/ports/stores.ts';
import type { KeyValue } from '#lib/key-value.ts';
import type { Log } from '#lib/log.ts';
import { createBackoffQueue } from './backoff-queue.ts';

export interface SeederOptions {
	readonly catalogue: Catalogue;
	readonly content: SeedContent;
	readonly backend: ImageStore;
	readonly node: string;
	readonly site: string;
	/** durable; which objects this node has put into the backend */
	readonly kv: KeyValue;
	readonly log: Log;
	readonly clock?: () => number;
}

/** What seeding asks of the content store. */
export interface SeedContent {
	complete(content: ContentRef, options: { readonly signal: AbortSignal }): Promise<void>;
	digest(
		content: ContentRef,
		options: { readonly hashAlgorithm: string; readonly signal: AbortSignal },
	): Promise<{ checksum: string; hashValue: string }>;
	file(root: string): string | undefined;
	pin(root: string): Disposable;
	forget(root: string): Promise<void>;
	read(
		content: ContentRef,
		range: { start: number; end: number },
		options: { readonly signal: AbortSignal },
	): AsyncIterable<Uint8Array>;
}

export interface Seeder extends AsyncDisposable {
	start(): Promise<void>;
	/** A link came or a copy was announced: what waits for its next try is tried now. */
	nudge(): void;
	/** Images still to be seeded. */
	backlog(): number;
}

/** Whole-image work: more at once would only make each one later. */
const AT_ONCE = 2;

export function createSeeder(options: SeederOptions): Seeder {
	const { catalogue, content, backend, node, site, kv, log } = options;
	const store = backend.id;
	const queue = createBackoffQueue<ImageId>({
		atOnce: AT_ONCE,
		work: attend,
		log,
		...(options.clock && { clock: options.clock }),
	});
	/** Images whose bytes are not those their records name. Both are immutable: trying again could not end otherwise. */
	const refused = new Set<ImageId>();
	let stop = () => {};

	/** Brings one image's object into line with its record. */
	async function attend(id: ImageId, signal: AbortSignal): Promise<void> {
		const image = catalogue.image(id);
		if (image === undefined) await withdraw(id, signal);
		else if (refused.has(id)) return;
		else if (isSeedable(image)) await seedOrDrop(image, image.content, signal);
	}

	/** Whoever deleted the image meanwhile could not let its bytes go: they were pinned here. */
	async function seedOrDrop(image: Image, ref: ContentRef, signal: AbortSignal): Promise<void> {
		try {
			await seed(image, ref, signal);
		} finally {
			if (catalogue.image(image.id) === undefined && (await catalogue.imagesOf(ref.root)).length === 0)
				await content.forget(ref.root);
		}
	}

	async function seed(image: Image, ref: ContentRef, signal: AbortSignal): Promise<void> {
		using _pinned = content.pin(ref.root);
		if (image.site !== site) {
			await content.complete(ref, { signal });
			await verify(image, ref, signal);
		}
		const place = await storeObject(image, ref, signal);
		// Deleted while its bytes were on the way: the object goes again.
		if (catalogue.image(image.id) === undefined) return withdraw(image.id, signal);
		await announce(image, place);
		log.info({ image: image.id, from: image.site, bytes: ref.size, store }, 'image seeded');
	}

	async function verify(image: Image, ref: ContentRef, signal: AbortSignal): Promise<void> {
		const found = await hashAgain(image, ref, signal);
		if (found.checksum === image.checksum && found.hashValue === image.hashValue) return;
		refused.add(image.id);
		throw new ImageError('corrupt', `image ${image.id} of site ${image.site}: its bytes are not those its record names`);
	}

	async function hashAgain(image: Image, ref: ContentRef, signal: AbortSignal) {
		try {
			return await content.digest(ref, { hashAlgorithm: image.hashAlgorithm ?? 'sha512', signal });
		} catch (error) {
			// Bytes that have gone bad on this disk are fetched anew at the next try.
			if (codeOf(error) === 'corrupt') await content.forget(ref.root);
			throw error;
		}
	}

	/**
	 * The object is noted as ours before it is there: a crash in between must not leave one that nobody would ever remove.
	 * One that stands there without a note is somebody else's, and ours only if it has the same bytes.
	 */
	async function storeObject(image: Image, ref: ContentRef, signal: AbortSignal): Promise<Pick<Copy, 'url' | 'metadata'>> {
		const location = await locate(image.id, signal);
		const vacant = kv.get(image.id) !== undefined || !(await isThere(location, signal));
		if (vacant) await note(image.id, location);
		try {
			const stored = await backend.put(image.id, objectSource(image, ref, signal), { signal });
			log.debug({ image: image.id, how: stored.how }, 'object stored');
			if (stored.location !== location || !vacant) await note(image.id, stored.location);
			return { url: stored.location, ...(stored.metadata && { metadata: stored.metadata }) };
		} catch (error) {
			if (codeOf(error) !== 'conflict') throw error;
			await adopt(image, location, ref, signal);
			if (!vacant) await note(image.id, location);
			return { url: location };
		}
	}

	async function locate(id: ImageId, signal: AbortSignal): Promise<string> {
		const location = await backend.locate(id, { signal });
		if (location === undefined) throw new ImageError('store-failed', `store ${store} cannot tell where its objects are`);
		return location;
	}

	async function note(id: ImageId, location: string): Promise<void> {
		await kv.write([{ put: id, value: Buffer.from(location) }], { sync: true });
	}

	async function isThere(location: string, signal: AbortSignal): Promise<boolean> {
		try {
			await backend.stat(location, { signal });
			return true;
		} catch (error) {
			if (codeOf(error) === 'not-found') return false;
			throw error;
		}
	}

	/** An object of this id is there: ours, from just before a crash, or somebody else's, which is never overwritten. */
	async function adopt(image: Image, location: string, ref: ContentRef, signal: AbortSignal): Promise<void> {
		const stored = backend.get(location, { start: 0, end: ref.size }, { signal });
		if (await sameBytes(stored, location, ref, signal)) return;
		await kv.write([{ del: image.id }], { sync: true });
		throw new ImageError('conflict', `store ${store} holds other bytes under ${image.id}`);
	}

	async function sameBytes(
		stored: AsyncIterable<Uint8Array>,
		location: string,
		ref: ContentRef,
		signal: AbortSignal,
	): Promise<boolean> {
		if ((await backend.stat(location, { signal })).size !== ref.size) return false;
		let start = 0;
		for await (const chunk of stored) {
			let at = 0;
			for await (const own of content.read(ref, { start, end: start + chunk.length }, { signal })) {
				if (Buffer.compare(own, chunk.subarray(at, at + own.length)) !== 0) return false;
				at += own.length;
			}
			start += chunk.length;
		}
		return true;
	}

	function objectSource({ checksum, owner }: Image, ref: ContentRef, signal: AbortSignal): ObjectSource {
		const file = content.file(ref.root);
		return {
			size: ref.size,
			...(checksum !== null && { checksum }),
			owner,
			read: () => content.read(ref, { start: 0, end: ref.size }, { signal }),
			rereadable: true,
			...(file !== undefined && { file }),
		};
	}

	async function announce(image: Image, place: Pick<Copy, 'url' | 'metadata'>): Promise<void> {
		const said = (name: string) => catalogue.image(image.id)?.copies.some((copy) => copy.node === node && copy.store === name);
		await catalogue.commit([
			...(said(site) ? [] : [{ type: 'copy.add', id: image.id, store: site, kind: 'site' } as const]),
			...(said(store) ? [] : [{ type: 'copy.add', id: image.id, store, kind: 'backend', ...place } as const]),
		]);
	}

	/** The data directory may have moved since the object was noted: it goes from where it was put and from where it would be put now. */
	async function withdraw(id: ImageId, signal: AbortSignal): Promise<void> {
		const noted = kv.get(id);
		if (noted === undefined) return;
		for (const location of new Set([Buffer.from(noted).toString('utf8'), await locate(id, signal)]))
			await removeObject(location, signal);
		await kv.write([{ del: id }], { sync: true });
	}

	async function removeObject(location: string, signal: AbortSignal): Promise<void> {
		try {
			await backend.remove(location, { signal });
		} catch (error) {
			if (codeOf(error) !== 'not-found') throw error;
		}
	}

	function isSeedable(image: Image | undefined): image is Image & { content: ContentRef } {
		if (image?.content == null || (image.status !== 'active' && image.status !== 'deactivated')) return false;
		return !image.copies.some((copy) => copy.node === node && copy.store === store);
	}

	return {
		async start() {
			stop = catalogue.follow(({ images }) => {
				for (const id of images) {
					const image = catalogue.image(id);
					if (image === undefined || isSeedable(image)) queue.add(id);
				}
			});
			for (const status of ['active', 'deactivated'] as const)
				for await (const image of catalogue.imagesIn(status)) if (isSeedable(image)) queue.add(image.id);
			for await (const id of kv.keys({})) if (catalogue.image(id) === undefined) queue.add(id);
		},
		nudge: () => queue.retryNow(),
		backlog: () => queue.size(),
		async [Symbol.asyncDispose]() {
			stop();
			await queue[Symbol.asyncDispose]();
		},
	};
}
