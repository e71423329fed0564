/**
 * Adoption: objects that lie in a store already, and that no record names, become images where they are. Each is read once;
 * only what verifies it is kept, and one commit makes it an image. What has a record is left alone, so whoever was
 * interrupted begins again and loses nothing but the object that was being read.
 */
import { type AdoptionLooking, lookingAt } from './adoption-look.ts';
import type { RequestContext } from './context.ts';
import { codeOf, type ErrorCode, ImageError } from './errors.ts';
import type { Image, ImageId, Visibility } from './image.ts';
import { IMPORT_TASK } from './import-request.ts';
import { fieldsOf } from './layers/database.ts';
import { factsOf } from './layers/location/shared.ts';
import type { Op } from './ops.ts';
import type { Catalogue } from './ports/catalogue.ts';
import type { ImageData } from './ports/image-data.ts';
import type { ImageObjects } from './ports/image-objects.ts';
import type { ImageStore, ImageStores, ListedObject } from './ports/stores.ts';

export interface Adopter {
	/**
	 * Goes through all objects of a store; every one of them is told, those that take long now and then. `invalid` for a store
	 * that is not there or cannot say what it holds, `conflict` while another adoption of it runs; `unavailable`, `full` or
	 * `aborted` in the middle leave everything that was told done.
	 */
	adopt(ctx: RequestContext, store: string, wish: AdoptionWish, tell: Tell): Promise<void>;
}

export interface AdoptionWish {
	/** project id, of images that had no record; undefined: only public ones can do without */
	readonly owner?: string;
	readonly visibility: Visibility;
	/** nothing is read or changed */
	readonly dryRun: boolean;
}

/** Resolves when the next one may come. */
export type Tell = (step: AdoptionStep) => Promise<void>;

export type AdoptionStep =
	| { readonly step: 'reading'; readonly id: ImageId; readonly bytes: number; readonly size: number }
	| ({ readonly id: ImageId } & Outcome);

type Outcome =
	/** `format`: null when nothing was read */
	| { readonly step: 'adopted'; readonly size: number; readonly format: string | null }
	/** its record has bytes */
	| { readonly step: 'known' }
	| { readonly step: 'skipped'; readonly reason: SkipReason; readonly why: string };

export type SkipReason =
	| 'no image id'
	| 'deleted'
	| 'busy'
	| 'unfinished'
	| 'of another site'
	| 'empty'
	| 'no owner'
	| 'refused'
	| 'not valid'
	| 'unreadable'
	| 'changed';

export interface AdoptionParts extends AdoptionLooking {
	readonly catalogue: Catalogue;
	readonly data: Pick<ImageData, 'survey' | 'forget'>;
	readonly stores: ImageStores;
	readonly objects: Pick<ImageObjects, 'isNoted' | 'claim'>;
	readonly site: string;
	/** Node's name of the digest that becomes `os_hash_value` */
	readonly hashAlgorithm: string;
}

const IMAGE_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TELL_EVERY_BYTES = 256 * 1024 * 1024;

export function createAdopter(parts: AdoptionParts): Adopter {
	const { catalogue, data, stores, objects, site, hashAlgorithm } = parts;
	const running = new Set<string>();

	async function adopt(ctx: RequestContext, store: ImageStore, wish: AdoptionWish, tell: Tell): Promise<void> {
		for await (const object of listed(store, ctx)) {
			const outcome = skipped(store, object, wish) ?? known(object.key) ?? (await take(ctx, store, object, wish, tell));
			await tell({ id: object.key, ...outcome });
		}
	}

	function known(id: ImageId): Outcome | undefined {
		const status = catalogue.image(id)?.status;
		return status === 'active' || status === 'deactivated' ? { step: 'known' } : undefined;
	}

	function skipped(store: ImageStore, { key, size }: ListedObject, wish: AdoptionWish): Outcome | undefined {
		if (!IMAGE_ID.test(key)) return skip('no image id', 'its name is not an image id');
		const image = catalogue.image(key);
		if (image === undefined && catalogue.knows(key)) return skip('deleted', 'an image of this id was deleted');
		if (known(key) !== undefined) return undefined;
		// bytes that nobody ever vouched for, and that are about to go
		if (objects.isNoted(key, store)) return skip('unfinished', 'an upload that did not finish has left it');
		if (image !== undefined) return unfit(image) ?? emptiness(size);
		if (wish.owner === undefined && wish.visibility !== 'public')
			return skip('no owner', 'it has no record, and nobody said who is to own it');
		return emptiness(size);
	}

	function unfit({ status, site: owning, properties }: Image): Outcome | undefined {
		if (owning !== site) return skip('of another site', `its record belongs to site ${owning}`);
		if (status !== 'queued') return skip('busy', `its image is ${status}`);
		return (properties[IMPORT_TASK] ?? '') === '' ? undefined : skip('busy', 'its image is being imported');
	}

	async function take(...[ctx, store, object, wish, tell]: Taking): Promise<Outcome> {
		const { key: id, size } = object;
		if (wish.dryRun) return { step: 'adopted', size, format: null };
		let root: string | undefined;
		try {
			const before = catalogue.image(id);
			const look = await lookingAt(ctx, before, parts);
			const bytes = store.get(object.location, 'whole', { signal: ctx.signal });
			await using surveyed = await data.survey(look.through(paced(bytes, object, tell)), {
				...{ hashAlgorithm, maxBytes: size, declaredSize: size, signal: ctx.signal },
			});
			root = surveyed.content.root;
			const { format, virtualSize } = await look.settle();
			await catalogue.commit(
				[
					...naming(id, before, wish, format),
					{ type: 'image.status', id, status: 'saving' },
					{ type: 'image.data', id, ...factsOf(surveyed), virtualSize },
					{ type: 'copy.add', id, store: store.id, kind: 'backend', url: object.location, metadata: { store: store.id } },
				],
				before && { expected: new Map([[id, before.revision]]) },
			);
			// Not before the record: what is noted and has none is taken for a leftover.
			await objects.claim(id, store, object.location);
			return { step: 'adopted', size, format };
		} catch (error) {
			if (root !== undefined && (await catalogue.imagesOf(root)).length === 0) await data.forget(root);
			const reason = ctx.signal.aborted ? undefined : REASONS[codeOf(error) ?? 'aborted'];
			if (reason === undefined) throw error;
			return skip(reason, (error as ImageError).message);
		}
	}

	return {
		async adopt(ctx, storeId, wish, tell) {
			const store = stores.find(storeId);
			if (store === undefined) throw new ImageError('invalid', `there is no store ${storeId} on this node`);
			if (store.list === undefined) throw new ImageError('invalid', `store ${storeId} (${store.type}) cannot say what it holds`);
			if (running.has(storeId)) throw new ImageError('conflict', `an adoption of store ${storeId} is running already`);
			running.add(storeId);
			try {
				await adopt(ctx, store, wish, tell);
			} finally {
				running.delete(storeId);
			}
		},
	};
}

type Taking = [ctx: RequestContext, store: ImageStore, object: ListedObject, wish: AdoptionWish, tell: Tell];

/** Errors that speak of one object; after any other one there is no going on. */
const REASONS: Readonly<Partial<Record<ErrorCode, SkipReason>>> = {
	'unsupported-type': 'refused',
	'too-large': 'refused',
	'store-failed': 'unreadable',
	forbidden: 'unreadable',
	invalid: 'not valid',
	corrupt: 'not valid',
	conflict: 'changed',
	'not-found': 'changed',
};

function skip(reason: SkipReason, why: string): Outcome {
	return { step: 'skipped', reason, why };
}

function emptiness(size: number): Outcome | undefined {
	return size === 0 ? skip('empty', 'it has no bytes') : undefined;
}

async function* listed(store: ImageStore, { signal }: RequestContext): AsyncIterable<ListedObject> {
	if (store.list !== undefined) yield* store.list({ signal });
}

/** A new record, or what an operator's lacks. */
function naming(id: ImageId, before: Image | undefined, { owner, visibility }: AdoptionWish, diskFormat: string): readonly Op[] {
	const formats = { diskFormat, containerFormat: before?.containerFormat ?? 'bare' };
	if (before === undefined)
		return [{ type: 'image.create', id, fields: fieldsOf({ owner: owner ?? null, visibility, ...formats }) }];
	const isComplete = before.diskFormat !== null && before.containerFormat !== null;
	return isComplete ? [] : [{ type: 'image.update', id, set: formats }];
}

async function* paced(
	source: AsyncIterable<Uint8Array>,
	{ key: id, size }: ListedObject,
	tell: Tell,
): AsyncGenerator<Uint8Array> {
	let [bytes, told] = [0, 0];
	for await (const chunk of source) {
		bytes += chunk.length;
		yield chunk;
		if (bytes - told < TELL_EVERY_BYTES) continue;
		told = bytes;
		await tell({ step: 'reading', id, bytes, size });
	}
}
