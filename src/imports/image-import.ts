/**
 * Tasks of type `api_image_import`: what was staged, or what lies elsewhere, becomes the image's own in every store that was
 * asked for. What has been done is in the record or in the task's note, so that a task may be run again from its beginning.
 * docs/decisions/0024-imports.md
 */
import type { RequestContext } from '#domain/context.ts';
import type { ImageController } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { Image, ImageId } from '#domain/image.ts';
import type { ImportRequest } from '#domain/import-request.ts';
import type { TaskInput, TaskJob, TaskRunner } from '#domain/ports/task-runners.ts';
import { type FetchingOptions, fetching } from './fetching.ts';
import { type PluginChainOptions, pluginChain } from './plugin-chain.ts';
import { copiedText, reporterFor } from './progress.ts';
import { type StoringOptions, storing } from './storing.ts';

export interface ImageImportOptions extends FetchingOptions, PluginChainOptions, StoringOptions {
	readonly images: ImageController;
}

export function imageImport(options: ImageImportOptions): TaskRunner {
	const { images, clock } = options;
	const fetchAll = fetching(options);
	const runPlugins = pluginChain(options);
	const storeAll = storing(options);

	async function prepare(ctx: RequestContext, image: Image, job: TaskJob, { method }: ImportRequest): Promise<void> {
		const { id } = image;
		if (image.staged === null) await fetchAll(ctx, image, job, method);
		const reporter = reporterFor(job, clock);
		await runPlugins(await images.holdImport(ctx, id, job.id), { ctx, job, reporter });
		await reporter.said();
		await images.checkImport(ctx, id);
	}

	return {
		check: async () => {},
		isRepeatable: true,
		/** The image is held already, and nobody else would ever end that. */
		noteOf: imageOf,
		async run(outer, job) {
			const { id, request, stores } = read(job.input);
			if (typeof job.input.refused === 'string') throw new ImageError('invalid', job.input.refused);
			using holding = await hold(images, outer, id, job.id);
			const { ctx, image } = holding;
			if (request.method.name !== 'copy-image' && image.status === 'importing') await prepare(ctx, image, job, request);
			const reporter = reporterFor(job, clock);
			await storeAll(ctx, id, { request, stores, onProgress: reporter.copied });
			const { size } = await images.holdImport(ctx, id, job.id);
			reporter.say(copiedText(size ?? 0));
			await reporter.said();
			await images.endImport(ctx, id, 'done', { task: job.id });
			return { image_id: id };
		},
		/** Not if the image has gone, or on its way, meanwhile. A copy that must be everywhere is nowhere when it has failed. */
		async undo(ctx, _note, { id: task, input }) {
			const { id, request, stores } = read(input);
			const isWhole = request.method.name === 'copy-image' && request.allStoresMustSucceed !== false;
			await images.endImport(ctx, id, 'failed', { task, stored: isWhole ? stores : [] }).catch((error: unknown) => {
				if (codeOf(error) !== 'not-found' && codeOf(error) !== 'conflict') throw error;
			});
		},
	};
}

/** How often a task looks whether its image is still there and still its own. */
const LOOK_EVERY_MS = 1000;

/** The image, and a context that ends when the image is deleted or another import has taken it over. */
async function hold(images: Pick<ImageController, 'holdImport'>, outer: RequestContext, id: ImageId, task: string) {
	const image = await images.holdImport(outer, id, task);
	const lost = new AbortController();
	const look = () =>
		images.holdImport(outer, id, task).catch((error: unknown) => {
			if (codeOf(error) === 'not-found') lost.abort(new ImageError('gone', `image ${id} was deleted during its import`));
			if (codeOf(error) === 'conflict') lost.abort(error);
		});
	const looking = setInterval(() => void look(), LOOK_EVERY_MS);
	const ctx = { ...outer, signal: AbortSignal.any([outer.signal, lost.signal]) };
	return { image, ctx, [Symbol.dispose]: () => clearInterval(looking) };
}

function read(input: TaskInput): { readonly id: ImageId; readonly request: ImportRequest; readonly stores: readonly string[] } {
	const stores = Array.isArray(input.backend) ? input.backend.map(String) : [];
	return { id: imageOf(input), request: input.import_req as ImportRequest, stores };
}

function imageOf({ image_id: id }: TaskInput): string {
	if (typeof id !== 'string') throw new ImageError('invalid', "the task's input has no image_id");
	return id;
}
