/**
 * Seeding: every image of the fleet gets a copy in this node's central backend. The node pulls missing blocks from whoever
 * holds them, hashes all of the bytes again itself, and only then writes the object and says so in its log. It trusts
 * no site's word: a content whose hashes are not those of its record is never admitted.
 *
 * The catalogue says what there is and the backend's objects are written whole or not at all, so an interruption at any
 * point costs only what was under way: blocks that had come stay, and the next start goes on from there.
 */
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ContentRef, Image, ImageId } from '#domain/image.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { ImageObjects } from '#domain/ports/image-objects.ts';
import type { ImageStore, StoreLocation } from '#domain/ports/stores.ts';
import type { Log } from '#lib/log.ts';
import { createBackoffQueue } from './backoff-queue.ts';

export interface SeederOptions {
	readonly catalogue: Catalogue;
	readonly content: SeedContent;
	readonly backend: ImageStore;
	readonly node: string;
	readonly site: string;
	readonly objects: ImageObjects;
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
	pin(root: string): Disposable;
	forget(root: string): Promise<void>;
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
	const { catalogue, content, backend, node, site, objects, log } = options;
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
		if (image === undefined) await objects.remove(id, backend, { signal });
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
		const place = await objects.put(image, ref, backend, { signal });
		// Deleted while its bytes were on the way: the object goes again.
		if (catalogue.image(image.id) === undefined) return objects.remove(image.id, backend, { signal });
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

	async function announce(image: Image, { url, metadata }: StoreLocation): Promise<void> {
		const isSiteSaid = catalogue.image(image.id)?.copies.some((copy) => copy.node === node && copy.store === site);
		await catalogue.commit([
			...(isSiteSaid ? [] : [{ type: 'copy.add', id: image.id, store: site, kind: 'site' } as const]),
			{ type: 'copy.add', id: image.id, store, kind: 'backend', url, metadata },
		]);
	}

	function isSeedable(image: Image | undefined): image is Image & { content: ContentRef } {
		if (image?.content == null || (image.status !== 'active' && image.status !== 'deactivated')) return false;
		if (objects.isDeclined(image.id, backend)) return false;
		// what lies in a store already, whichever a client chose, is where it should be
		if (image.locations.length > 0) return false;
		return !image.copies.some(
			(copy) => copy.kind === 'backend' && copy.url !== undefined && (copy.node === node || copy.store === store),
		);
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
			for await (const id of objects.noted(backend)) if (catalogue.image(id) === undefined) queue.add(id);
		},
		nudge: () => queue.retryNow(),
		backlog: () => queue.size(),
		async [Symbol.asyncDispose]() {
			stop();
			await queue[Symbol.asyncDispose]();
		},
	};
}
