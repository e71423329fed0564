/**
 * The steps of an import, each safe to do again: what has been done is in the record, so that a task goes on where the
 * process before it ended. Image API v2, "Import an image"; the order of the steps is imports/image-import.ts's.
 */

import type { RequestContext } from '#domain/context.ts';
import type { EndedImport, ImportPlan, Upload } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import {
	assertReadyForCopy,
	assertReadyForFetch,
	assertReadyForImport,
	type ContentRef,
	type Image,
	type ImageChange,
	type ImageId,
} from '#domain/image.ts';
import { applyChanges, updateBetween } from '#domain/image-changes.ts';
import { FAILED, IMPORT_TASK, IMPORTING, type ImportRequest } from '#domain/import-request.ts';
import type { ImageOp } from '#domain/ports/image-repository.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import { factsOf, type Location, storeCall } from './shared.ts';
import { naming, placed } from './taking.ts';
import { importTargets } from './targets.ts';

export function importingVerbs(parts: Location, readPlaces: (ctx: RequestContext, image: Image) => AsyncIterable<Uint8Array>) {
	const { change, data, stores, objects, arrivals, repository, release, site, hashAlgorithm, log } = parts;

	async function beginImport(_ctx: RequestContext, id: ImageId, request: ImportRequest, plan: ImportPlan): Promise<Image> {
		return change(id, (image) => {
			assertUnheld(image, plan);
			READY[request.method.name](image);
			const targets = importTargets(parts, image, request);
			if (targets.length === 0) return [];
			const isCopy = request.method.name === 'copy-image';
			const failed = listed(image, FAILED).filter((store) => !targets.includes(store));
			return [
				...(isCopy ? [] : [{ type: 'image.status', id, status: 'importing' } as const]),
				noted(id, { [IMPORTING]: targets, [FAILED]: failed, [IMPORT_TASK]: [plan.task] }),
			];
		});
	}

	async function holdImport(_ctx: RequestContext, id: ImageId, task: string): Promise<Image> {
		const image = await repository.get(id);
		if (image.properties[IMPORT_TASK] !== task) throw new ImageError('conflict', `image ${id} is held by another import`);
		return image;
	}

	function changeImport(_ctx: RequestContext, id: ImageId, changes: readonly ImageChange[]): Promise<Image> {
		return change(id, (latest) => {
			assertImporting(latest);
			return changing(latest, changes);
		});
	}

	/** What was staged before goes when no other image has it. */
	async function stageImport(ctx: RequestContext, id: ImageId, upload: Upload): Promise<Image> {
		let before: string | undefined;
		await using written = await data.write(upload.data, {
			hashAlgorithm,
			maxBytes: upload.maxBytes,
			...(upload.declaredSize !== undefined && { declaredSize: upload.declaredSize }),
			signal: ctx.signal,
		});
		const { root } = written.content;
		try {
			const image = await change(id, (latest) => {
				assertImporting(latest);
				before = latest.staged?.content.root;
				return [{ type: 'image.stage', id, ...factsOf(written) }, ...changing(latest, upload.changes ?? [])];
			});
			if (before !== undefined && before !== root) await release(before);
			return image;
		} catch (error) {
			await release(root);
			throw error;
		}
	}

	/** Everything that is staged is looked at, once more if it was before. */
	async function checkImport(ctx: RequestContext, id: ImageId): Promise<Image> {
		const image = await repository.get(id);
		const { staged } = image;
		if (staged === null) throw new ImageError('conflict', `image ${id} has nothing staged`);
		const arrival = await arrivals.begin(ctx, image);
		const bytes = data.read(staged.content, { start: 0, end: staged.content.size }, { signal: ctx.signal });
		for await (const _ of arrival.through(bytes)) ctx.signal.throwIfAborted();
		const { virtualSize } = await arrival.settle();
		return change(id, (latest) => {
			if (latest.staged?.content.root !== staged.content.root)
				throw new ImageError('conflict', `image ${id} was given other data`);
			return [{ type: 'image.stage', id, ...factsOf(staged), virtualSize }];
		});
	}

	/** Bytes at places alone are read, and looked at as those that clients upload: a copy is made of what is known. */
	async function readIn(ctx: RequestContext, image: Image): Promise<Image> {
		if (image.content !== null) return image;
		const arrival = await arrivals.begin(ctx, image);
		await using written = await data.write(arrival.through(readPlaces(ctx, image)), {
			hashAlgorithm: image.hashAlgorithm ?? hashAlgorithm,
			maxBytes: image.size ?? 0,
			...(image.size !== null && { declaredSize: image.size }),
			signal: ctx.signal,
		});
		const { virtualSize } = await arrival.settle();
		return change(image.id, (latest) =>
			latest.content === null ? naming(latest.id, site, written, virtualSize ?? latest.virtualSize) : [],
		);
	}

	async function importTo(
		ctx: RequestContext,
		id: ImageId,
		storeId: string,
		onProgress?: (bytes: number) => void,
	): Promise<Image> {
		let image = await repository.get(id);
		if (!listed(image, IMPORTING).includes(storeId)) return image;
		if (image.staged === null) image = await readIn(ctx, image);
		const ref = image.staged?.content ?? image.content;
		if (ref === null) throw new ImageError('conflict', `image ${id} has nothing staged`);
		const store = stores.find(storeId);
		if (store === undefined && storeId !== site) throw new ImageError('conflict', `there is no store ${storeId}`);
		if (store === undefined) return bringHere(ctx, image, ref);
		const facts = { id, owner: image.owner, checksum: image.staged?.checksum ?? image.checksum };
		try {
			const place = await objects.put(facts, ref, store, { ...storeCall(ctx), ...(onProgress && { onProgress }) });
			return await change(id, (latest) => {
				if ((latest.staged?.content ?? latest.content)?.root !== ref.root)
					throw new ImageError('conflict', `image ${id} is not being imported any more`);
				return [placed(id, storeId, place), settled(latest, storeId)];
			});
		} catch (error) {
			await clearAfterDeletion(ctx, id, store);
			throw error;
		}
	}

	/** This site has staged bytes as soon as the image is active; a copy comes from whoever holds it. */
	async function bringHere(ctx: RequestContext, image: Image, ref: ContentRef): Promise<Image> {
		if (image.staged !== null) return image;
		if (data.presence(ref.root) !== 'complete')
			for await (const _ of data.read(ref, { start: 0, end: ref.size }, ctx)) ctx.signal.throwIfAborted();
		return change(image.id, (latest) => [{ type: 'copy.add', id: latest.id, store: site, kind: 'site' }, settled(latest, site)]);
	}

	/** Who deleted the image meanwhile could not know of an object that was on its way. */
	async function clearAfterDeletion(ctx: RequestContext, id: ImageId, store: ImageStore): Promise<void> {
		const isThere = await repository.get(id).then(
			() => true,
			(error: unknown) => codeOf(error) !== 'not-found',
		);
		if (!isThere) await takeOut({ ...ctx, signal: AbortSignal.timeout(WITHDRAW_MS) }, id, store);
	}

	async function takeOut(ctx: RequestContext, id: ImageId, store: ImageStore): Promise<void> {
		try {
			await objects.remove(id, store, storeCall(ctx));
		} catch (error) {
			log.warn({ err: error, image: id, store: store.id }, 'an object of an import that failed is removed later');
			objects.leave(id, store);
		}
	}

	async function missImport(_ctx: RequestContext, id: ImageId, store: string): Promise<Image> {
		const missed = await change(id, (image) => [
			noted(id, {
				[IMPORTING]: without(image, IMPORTING, store),
				[FAILED]: [...without(image, FAILED, store), store].toSorted(),
			}),
		]);
		const backend = stores.find(store);
		if (backend !== undefined) objects.leave(id, backend);
		return missed;
	}

	function activateImport(_ctx: RequestContext, id: ImageId): Promise<Image> {
		return change(id, (image) => {
			const { status, staged } = image;
			if (status === 'active') return [];
			if (status !== 'importing' || staged === null)
				throw new ImageError('conflict', `image ${id} is ${status} and has nothing to become active by`);
			return [...naming(id, site, staged, staged.virtualSize ?? null), settled(image, site)];
		});
	}

	/** `failed`: objects that this import has put into stores go, and what was staged; a copy leaves the image as it was. */
	async function endImport(
		ctx: RequestContext,
		id: ImageId,
		how: 'done' | 'failed',
		{ task, stored = [] }: EndedImport,
	): Promise<Image> {
		const image = await repository.get(id);
		const isHeld = ({ properties }: Image) => properties[IMPORT_TASK] === task;
		if (!isHeld(image)) return image;
		if (how === 'done') return change(id, (latest) => (isHeld(latest) ? [noted(id, { [IMPORT_TASK]: [] })] : []));
		const backends = image.copies.filter(isBackend).map(({ store }) => store);
		const fresh = image.status === 'importing' ? backends : backends.filter((store) => stored.includes(store));
		const ended = await change(id, (latest) => {
			if (!isHeld(latest)) return [];
			const missed = [...new Set([...listed(latest, FAILED), ...listed(latest, IMPORTING), ...fresh])].toSorted();
			return [
				...fresh.map((store): ImageOp => ({ type: 'copy.drop', id, store })),
				...(latest.status === 'importing' ? [{ type: 'image.status', id, status: 'queued' } as const] : []),
				noted(id, { [IMPORTING]: [], [FAILED]: missed, [IMPORT_TASK]: [] }),
			];
		});
		for (const store of new Set([...fresh, ...listed(image, IMPORTING)])) await clear(ctx, id, store);
		if (image.staged !== null && image.status === 'importing') await release(image.staged.content.root);
		return ended;
	}

	/** The image may be on its way again already, and then what is there is the new attempt's. */
	async function clear(ctx: RequestContext, id: ImageId, storeId: string): Promise<void> {
		const store = stores.find(storeId);
		const image = await repository.get(id);
		const isBusy = image.status === 'saving' || image.status === 'importing' || listed(image, IMPORTING).includes(storeId);
		if (store === undefined || isBusy || image.copies.some((copy) => copy.store === storeId)) return;
		await takeOut(ctx, id, store);
	}

	return {
		...{ beginImport, holdImport, stageImport, changeImport, checkImport },
		...{ importTo, missImport, activateImport, endImport },
	};
}

const WITHDRAW_MS = 30_000;

function assertImporting({ id, status }: Image): void {
	if (status !== 'importing') throw new ImageError('conflict', `image ${id} is ${status} and not being imported`);
}

function changing(image: Image, changes: readonly ImageChange[]): readonly ImageOp[] {
	const op = updateBetween(image, applyChanges(image, changes));
	return op === undefined ? [] : [op];
}

/** Nobody waits for this store any more. */
function settled(image: Image, store: string): ImageOp {
	return noted(image.id, { [IMPORTING]: without(image, IMPORTING, store), [FAILED]: without(image, FAILED, store) });
}

const READY: Readonly<Record<ImportRequest['method']['name'], (image: Image) => void>> = {
	'glance-direct': assertReadyForImport,
	'web-download': assertReadyForFetch,
	'glance-download': ({ id, status }) => {
		// the formats come from the other region
		if (status !== 'queued')
			throw new ImageError('conflict', `image ${id} is ${status}; data can be fetched only while it is queued`);
	},
	'copy-image': assertReadyForCopy,
};

function isBackend({ kind }: { readonly kind: string }): boolean {
	return kind === 'backend';
}

/** A task that is over, or that nobody has, holds nothing. */
export function assertUnheld(image: Image, { isOver }: ImportPlan): void {
	const holder = image.properties[IMPORT_TASK] ?? '';
	if (holder !== '' && !isOver(holder, image)) throw new ImageError('conflict', `image ${image.id} is being imported already`);
}

function listed({ properties }: Image, property: string): readonly string[] {
	return (properties[property] ?? '').split(',').filter((store) => store !== '');
}

function without(image: Image, property: string, store: string): readonly string[] {
	return listed(image, property).filter((each) => each !== store);
}

/** Lists that stay on the image when they are empty, as in Glance; the holder goes. */
function noted(id: ImageId, lists: Readonly<Record<string, readonly string[]>>): ImageOp {
	const drop = Object.hasOwn(lists, IMPORT_TASK) && lists[IMPORT_TASK]?.length === 0;
	const set = Object.entries(lists).filter(([name]) => !drop || name !== IMPORT_TASK);
	return {
		type: 'image.update',
		id,
		...(set.length > 0 && { setProperties: Object.fromEntries(set.map(([name, stores]) => [name, stores.join(',')])) }),
		...(drop && { dropProperties: [IMPORT_TASK] }),
	};
}
