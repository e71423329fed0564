/** An import's bytes into its stores, some at once. Of each that is there or was missed the record says so: it is not begun again. */
import type { RequestContext } from '#domain/context.ts';
import type { ImageController } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import type { ImageId } from '#domain/image.ts';
import type { ImportRequest } from '#domain/import-request.ts';

export interface StoringOptions {
	readonly images: Pick<ImageController, 'importTo' | 'missImport' | 'activateImport' | 'show'>;
	/** how many stores are written to at once, by one import */
	readonly parallelStores: number;
}

interface Storing {
	readonly request: ImportRequest;
	readonly stores: readonly string[];
	readonly onProgress: (bytes: number) => void;
}

/**
 * Resolves when the image is active, or copied. With `allStoresMustSucceed` it is not before it is in all of them, and the
 * first failure ends the others; without, from the first one on, and the others are only noted.
 */
export function storing({ images, parallelStores }: StoringOptions) {
	return async (outer: RequestContext, id: ImageId, { request, stores, onProgress }: Storing): Promise<void> => {
		const isCopy = request.method.name === 'copy-image';
		const mustAll = request.allStoresMustSucceed ?? true;
		const given = new AbortController();
		const ctx = { ...outer, signal: AbortSignal.any([outer.signal, given.signal]) };
		const misses: unknown[] = [];

		async function store(storeId: string): Promise<void> {
			try {
				await images.importTo(ctx, id, storeId, onProgress);
				if (!mustAll && !isCopy) await images.activateImport(ctx, id);
			} catch (error) {
				if (ctx.signal.aborted) throw error;
				if (mustAll) {
					given.abort(error);
					throw error;
				}
				await images.missImport(ctx, id, storeId);
				misses.push(error);
			}
		}

		const waiting = [...stores];
		const work = async (): Promise<void> => {
			for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await store(next);
		};
		// all have ended before anybody takes back what they did
		const ends = await Promise.allSettled(Array.from({ length: parallelStores }, work));
		const [failure] = ends.filter((end) => end.status === 'rejected');
		if (failure !== undefined) throw given.signal.aborted ? given.signal.reason : failure.reason;
		if (isCopy) return;
		if (mustAll) await images.activateImport(ctx, id);
		else if ((await images.show(ctx, id)).status !== 'active')
			throw misses[0] ?? new ImageError('store-failed', `no store took image ${id}`);
	};
}
