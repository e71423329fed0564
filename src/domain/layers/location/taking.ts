/**
 * Taking bytes from a client: bytes first, then the record that names them, so that whatever fails in between leaves an
 * image as it was before. Of an upload to a store, the object comes between the two.
 */

import type { RequestContext } from '#domain/context.ts';
import type { Upload } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import { assertReadyForData, assertReadyForStaging, type DataFacts, type Image, type ImageId } from '#domain/image.ts';
import type { ImageOp } from '#domain/ports/image-repository.ts';
import type { ImageStore, StoreLocation } from '#domain/ports/stores.ts';
import { factsOf, type Location, storeCall } from './shared.ts';
import { uploadTarget } from './targets.ts';

export function takingVerbs(parts: Location) {
	const { change, data, objects, arrivals, repository, release, site, hashAlgorithm, log } = parts;

	/** The image is `queued` again, or was deleted meanwhile; resolves to what the uploader is told. */
	async function giveUp(id: ImageId, during: Image['status'], cause: unknown): Promise<unknown> {
		try {
			await change(id, (image) => (image.status === during ? [{ type: 'image.status', id, status: 'queued' }] : []));
			return cause;
		} catch (error) {
			if (codeOf(error) === 'not-found') return new ImageError('gone', `image ${id} was deleted during its upload`, { cause });
			log.error({ err: error, image: id }, `image stays ${during} until the next start`);
			return cause;
		}
	}

	async function write(ctx: RequestContext, upload: Upload) {
		return data.write(upload.data, {
			hashAlgorithm,
			maxBytes: upload.maxBytes,
			...(upload.declaredSize !== undefined && { declaredSize: upload.declaredSize }),
			signal: ctx.signal,
		});
	}

	/** Not by the signal that may have ended the upload. */
	async function withdraw(id: ImageId, store: ImageStore | undefined): Promise<void> {
		if (store === undefined) return;
		await objects.remove(id, store, { signal: AbortSignal.timeout(WITHDRAW_MS) }).catch((error: unknown) => {
			log.warn({ err: error, image: id, store: store.id }, 'an object of an upload that failed is removed later');
			objects.leave(id, store);
		});
	}

	async function upload(ctx: RequestContext, id: ImageId, request: Upload): Promise<Image> {
		const store = uploadTarget(parts, request.store);
		// from now on neither formats nor status change by anybody else
		const saving = await change(id, (image) => {
			assertReadyForData(image);
			if (store?.readOnly === true) throw new ImageError('gone', `store ${store.id} takes no images`);
			return [{ type: 'image.status', id, status: 'saving' }];
		});
		let root: string | undefined;
		try {
			const arrival = await arrivals.begin(ctx, saving);
			await using written = await write(ctx, { ...request, data: arrival.through(request.data) });
			root = written.content.root;
			const { virtualSize } = await arrival.settle();
			const { owner } = await repository.get(id);
			const place = store && (await objects.put({ id, owner, ...factsOf(written) }, written.content, store, storeCall(ctx)));
			return await change(id, (image) => {
				if (image.status !== 'saving') throw new ImageError('conflict', `image ${id} became ${image.status} during its upload`);
				return naming(id, site, written, virtualSize, store, place);
			});
		} catch (error) {
			await withdraw(id, store);
			const answer = await giveUp(id, 'saving', error);
			if (root !== undefined) await release(root);
			throw answer;
		}
	}

	async function stage(ctx: RequestContext, id: ImageId, request: Upload): Promise<Image> {
		await change(id, (image) => {
			assertReadyForStaging(image);
			return [{ type: 'image.status', id, status: 'uploading' }];
		});
		let root: string | undefined;
		try {
			await using written = await write(ctx, request);
			root = written.content.root;
			return await change(id, (image) => {
				if (image.status !== 'uploading')
					throw new ImageError('conflict', `image ${id} became ${image.status} during its upload`);
				return [{ type: 'image.stage', id, ...factsOf(written) }];
			});
		} catch (error) {
			const answer = await giveUp(id, 'uploading', error);
			if (root !== undefined) await release(root);
			throw answer;
		}
	}

	return { upload, stage };
}

const WITHDRAW_MS = 30_000;

/** What names the bytes when they are here, and where they are. */
export function naming(
	id: ImageId,
	site: string,
	facts: DataFacts,
	virtualSize: number | null,
	store?: ImageStore,
	place?: StoreLocation,
): readonly ImageOp[] {
	return [
		{ type: 'image.data', id, ...factsOf(facts), virtualSize },
		{ type: 'copy.add', id, store: site, kind: 'site' },
		...(store && place ? [placed(id, store.id, place)] : []),
	];
}

export function placed(id: ImageId, store: string, { url, metadata }: StoreLocation): ImageOp {
	return { type: 'copy.add', id, store, kind: 'backend', url, metadata };
}
