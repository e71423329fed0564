/**
 * Location: records gain bytes. Turns the repository into the controller that every outer layer wraps, and owns the
 * one rule that ties both together: an image is `active` exactly when its bytes are here and durable.
 */

import type { ImageData } from '#domain/ports/image-data.ts';
import type { ImageOp, ImageRepository } from '#domain/ports/image-repository.ts';
import type { Log } from '#lib/log.ts';
import type { RequestContext } from '../context.ts';
import type { ImageController, Upload } from '../controller.ts';
import { codeOf, ImageError } from '../errors.ts';
import {
	assertReadyForData,
	assertReadyForImport,
	assertReadyForStaging,
	contentsOf,
	type DataFacts,
	type Image,
	type ImageChange,
	type ImageId,
	type ImageStatus,
} from '../image.ts';
import { applyChanges, updateBetween } from '../image-changes.ts';
import type { ImportRequest } from '../import-request.ts';
import { latestRecord } from '../latest-record.ts';
import { memberVerbs } from './members.ts';

export interface LocationOptions {
	readonly repository: ImageRepository;
	readonly data: ImageData;
	/** name of this node's site: the store in which uploaded bytes are */
	readonly site: string;
	/** Node's name of the digest that becomes `os_hash_value` */
	readonly hashAlgorithm: string;
	readonly log: Log;
}

export function location(options: LocationOptions): ImageController {
	const { repository, data, site, hashAlgorithm, log } = options;
	const latest = latestRecord(repository);
	const { change } = latest;

	async function update(id: ImageId, changes: readonly ImageChange[]): Promise<Image> {
		return change(id, (image) => {
			const op = updateBetween(image, applyChanges(image, changes));
			return op === undefined ? [] : [op];
		});
	}

	/** The image is `queued` again, or was deleted meanwhile; resolves to what the uploader is told. */
	async function giveUp(id: ImageId, during: Taking['during'], cause: unknown): Promise<unknown> {
		try {
			await change(id, (image) => (image.status === during ? [{ type: 'image.status', id, status: 'queued' }] : []));
			return cause;
		} catch (error) {
			if (codeOf(error) === 'not-found') return new ImageError('gone', `image ${id} was deleted during its upload`, { cause });
			log.error({ err: error, image: id }, `image stays ${during} until the next start`);
			return cause;
		}
	}

	/** Drops bytes that no live image names any more. The record decides; a failure only leaves work to the collector. */
	async function release(root: string): Promise<void> {
		try {
			if ((await repository.withContent(root)).length === 0) await data.forget(root);
		} catch (error) {
			log.warn({ err: error, root }, 'released content left to the collector');
		}
	}

	/** Bytes first, then the record that names them: whatever fails in between leaves an image as it was before. */
	async function take(
		ctx: RequestContext,
		id: ImageId,
		request: Upload,
		{ during, assertReady, naming }: Taking,
	): Promise<Image> {
		await change(id, (image) => {
			assertReady(image);
			return [{ type: 'image.status', id, status: during }];
		});
		let root: string | undefined;
		try {
			await using written = await data.write(request.data, {
				hashAlgorithm,
				maxBytes: request.maxBytes,
				...(request.declaredSize !== undefined && { declaredSize: request.declaredSize }),
				signal: ctx.signal,
			});
			root = written.content.root;
			return await change(id, (image) => {
				if (image.status !== during) throw new ImageError('conflict', `image ${id} became ${image.status} during its upload`);
				return naming(id, written);
			});
		} catch (error) {
			const answer = await giveUp(id, during, error);
			if (root !== undefined) await release(root);
			throw answer;
		}
	}

	const uploading: Taking = {
		during: 'saving',
		assertReady: assertReadyForData,
		naming: (id, written) => [
			{ type: 'image.data', id, ...factsOf(written), virtualSize: null },
			{ type: 'copy.add', id, store: site, kind: 'site' },
		],
	};
	const staging: Taking = {
		during: 'uploading',
		assertReady: assertReadyForStaging,
		naming: (id, written) => [{ type: 'image.stage', id, ...factsOf(written) }],
	};

	async function beginImport(id: ImageId, { stores }: ImportRequest): Promise<Image> {
		const unknown = stores?.find((store) => store !== site);
		if (unknown !== undefined) throw new ImageError('conflict', `there is no store ${unknown} that takes imports`);
		return change(id, (image) => {
			assertReadyForImport(image);
			const setProperties = { [IMPORTING]: site, [FAILED]: '' };
			return [
				{ type: 'image.status', id, status: 'importing' },
				{ type: 'image.update', id, setProperties },
			];
		});
	}

	async function endImport(id: ImageId, how: 'done' | 'failed'): Promise<Image> {
		let root: string | undefined;
		const image = await change(id, ({ status, staged }) => {
			if (status !== 'importing') throw new ImageError('conflict', `image ${id} is ${status} and not being imported`);
			root = staged?.content.root;
			const setProperties = { [IMPORTING]: '', [FAILED]: how === 'done' ? '' : site };
			const settled = { type: 'image.update', id, setProperties } as const;
			if (how === 'failed') return [{ type: 'image.status', id, status: 'queued' }, settled];
			if (staged === null) throw new ImageError('conflict', `image ${id} has nothing staged`);
			return [...uploading.naming(id, staged), settled];
		});
		if (how === 'failed' && root !== undefined) await release(root);
		return image;
	}

	return {
		create: (_ctx, draft) => repository.add(draft),
		show: (_ctx, id) => repository.get(id),
		list: (_ctx, query) => repository.list(query),
		update: (_ctx, id, changes) => update(id, changes),
		async remove(_ctx, id) {
			const removed = await latest.actOn(id, (image) => async () => {
				await repository.remove(image);
				return image;
			});
			for (const { root } of contentsOf(removed)) await release(root);
		},
		upload: (ctx, id, request) => take(ctx, id, request, uploading),
		stage: (ctx, id, request) => take(ctx, id, request, staging),
		beginImport: (_ctx, id, request) => beginImport(id, request),
		endImport: (_ctx, id, how) => endImport(id, how),
		async download(ctx, id) {
			const image = await repository.get(id);
			const { content } = image;
			if (READABLE[image.status] === 'nothing' || content === null) return { image, size: null, read: nothing };
			if (READABLE[image.status] === 'admins' && !ctx.admin)
				throw new ImageError('forbidden', `image ${id} is deactivated; its data can be downloaded by administrators only`);
			return { image, size: content.size, read: (range, { signal }) => data.read(content, range, { signal }) };
		},
		deactivate: async (_ctx, id) => void (await change(id, (image) => statusChange(image, 'active', 'deactivated'))),
		reactivate: async (_ctx, id) => void (await change(id, (image) => statusChange(image, 'deactivated', 'active'))),
		addTag: async (_ctx, id, tag) => void (await update(id, [{ addTag: tag }])),
		dropTag: async (_ctx, id, tag) => void (await update(id, [{ dropTag: tag }])),
		...memberVerbs(repository, latest),
	};
}

/** Stores that an import is on its way to, and those that it has failed for; both stay on the image, as in Glance. */
const IMPORTING = 'os_glance_importing_to_stores';
const FAILED = 'os_glance_failed_import';

/** The two ways of giving an image bytes. */
interface Taking {
	/** what the image is meanwhile */
	readonly during: 'saving' | 'uploading';
	assertReady(image: Image): void;
	/** what names the bytes when they are here */
	naming(id: ImageId, written: DataFacts): readonly ImageOp[];
}

/** Only the facts: what was written can also be disposed of. */
function factsOf({ content, checksum, hashAlgorithm, hashValue }: DataFacts): DataFacts {
	return { content, checksum, hashAlgorithm, hashValue };
}

/** Who may read the data of an image, by its status. */
const READABLE: Readonly<Record<ImageStatus, 'everybody' | 'admins' | 'nothing'>> = {
	queued: 'nothing',
	saving: 'nothing',
	uploading: 'nothing',
	importing: 'nothing',
	active: 'everybody',
	deactivated: 'admins',
	killed: 'nothing',
	pending_delete: 'nothing',
	deleted: 'nothing',
};

/** Idempotent; any third status is refused as Glance does. */
function statusChange(image: Image, from: ImageStatus, to: ImageStatus): readonly ImageOp[] {
	if (image.status === to) return [];
	if (image.status === from) return [{ type: 'image.status', id: image.id, status: to }];
	throw new ImageError('forbidden', `image ${image.id} is ${image.status}; it can become ${to} only from ${from}`);
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
