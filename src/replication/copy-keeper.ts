/**
 * Says in this site's log what this node holds: one `copy.add` for each live image whose bytes are complete here. That
 * is how readers elsewhere find holders, and what `stores` of an image shows. An image that another node uploaded is
 * announced when its last block has come; bytes that no live image names any more are let go.
 */
import type { ContentRef, Image, ImageId } from '#domain/image.ts';
import type { Catalogue, CatalogueChange } from '#domain/ports/catalogue.ts';
import type { ImageData } from '#domain/ports/image-data.ts';
import type { Log } from '#lib/log.ts';

export interface CopyKeeper extends AsyncDisposable {
	/** Looks at every live image once: what a crash kept from being said is said now. */
	reconcile(): Promise<void>;
}

export interface CopyKeeperOptions {
	readonly catalogue: Catalogue;
	readonly data: Pick<ImageData, 'presence' | 'forget'> & {
		/** told when a content that was fetched has become whole here */
		onComplete(listener: (root: string) => void): () => void;
	};
	readonly node: string;
	readonly site: string;
	readonly log: Log;
}

export function createCopyKeeper({ catalogue, data, node, site, log }: CopyKeeperOptions): CopyKeeper {
	const stops = [catalogue.follow(onChange), data.onComplete((root) => enqueue('announce', () => announceAll(root)))];
	// One task after another: announcements are few, and two of one image must not race.
	let work: Promise<void> = Promise.resolve();
	let disposed = false;

	function enqueue(what: string, task: () => Promise<void>): void {
		work = work.then(async () => {
			if (disposed) return;
			try {
				await task();
			} catch (error) {
				log.warn({ error, what }, 'could not say what is held here');
			}
		});
	}

	function onChange(change: CatalogueChange): void {
		for (const content of change.released) enqueue('forget', () => forgetUnlessNamed(content));
		// A new image may name bytes that are here already; its own upload has announced itself.
		if (!change.own && change.images.length > 0) enqueue('announce', () => announceImages(change.images));
	}

	async function announceImages(ids: readonly ImageId[]): Promise<void> {
		for (const id of ids) await announce(catalogue.image(id));
	}

	async function announceAll(root: string): Promise<void> {
		for (const image of await catalogue.imagesOf(root)) await announce(image);
	}

	async function announce(image: Image | undefined): Promise<void> {
		if (image?.content == null || data.presence(image.content.root) !== 'complete') return;
		if (image.copies.some((copy) => copy.node === node && copy.store === site)) return;
		await catalogue.commit([{ type: 'copy.add', id: image.id, store: site, kind: 'site' }]);
	}

	async function forgetUnlessNamed(content: ContentRef): Promise<void> {
		if ((await catalogue.imagesOf(content.root)).length === 0) await data.forget(content.root);
	}

	return {
		reconcile() {
			enqueue('reconcile', async () => {
				for (const status of ['active', 'deactivated'] as const)
					for await (const image of catalogue.imagesIn(status)) await announce(image);
			});
			return work;
		},
		async [Symbol.asyncDispose]() {
			disposed = true;
			for (const stop of stops) stop();
			await work;
		},
	};
}
