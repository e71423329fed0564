/**
 * Tasks of type `api_image_import`: what was staged, or what lies elsewhere, becomes the image's own in every store that was
 * asked for. Each step is in the record when it is done, so that a task may be run again from its beginning.
 */
import type { RequestContext } from '#domain/context.ts';
import type { ImageController } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { Image, ImageChange, ImageId } from '#domain/image.ts';
import { IMPORTING, type ImportRequest } from '#domain/import-request.ts';
import type { ImageData } from '#domain/ports/image-data.ts';
import type { TaskInput, TaskJob, TaskRunner } from '#domain/ports/task-runners.ts';
import type { Log } from '#lib/log.ts';
import type { FetchMethods } from './methods/index.ts';
import type { ImportPlugin, PluginOutcome } from './plugins/plugin.ts';
import { telling } from './telling.ts';

export interface ImageImportOptions {
	readonly images: ImageController;
	/** what is staged is read as it lies there, by whoever holds the image */
	readonly staged: Pick<ImageData, 'read'> & { file(root: string): string | undefined };
	readonly methods: FetchMethods;
	/** run on what is staged, in this order */
	readonly plugins: readonly ImportPlugin[];
	/** stores that are filled at a time; Glance's max_parallel_stores */
	readonly parallelStores: number;
	/** UTC milliseconds */
	readonly clock: () => number;
	readonly log: Log;
}

export function imageImport(options: ImageImportOptions): TaskRunner {
	const { images, staged, methods, plugins, parallelStores, clock, log } = options;

	/** Whole or not at all: what came of an earlier run is fetched again unless it is staged. */
	async function fetch(ctx: RequestContext, id: ImageId, job: TaskJob, { method }: ImportRequest): Promise<void> {
		const image = await images.show(ctx, id);
		const source = methods.of(method);
		if (source === undefined || image.staged !== null) return;
		using body = await source.open(ctx, method, image);
		const { size, changes = [], digest } = body;
		const { hashAlgorithm, hashValue } = await stagedBy(ctx, id, telling(body.data, job, clock, size), changes, size);
		if (digest !== undefined && digest.algorithm === hashAlgorithm && digest.value !== hashValue)
			throw new ImageError('invalid', 'the bytes that came are not those of the image of the other region');
	}

	async function stagedBy(
		ctx: RequestContext,
		id: ImageId,
		data: AsyncIterable<Uint8Array>,
		changes: readonly ImageChange[],
		size?: number,
	) {
		const upload = { data, maxBytes: Number.MAX_SAFE_INTEGER, changes, ...(size !== undefined && { declaredSize: size }) };
		const { staged: facts } = await images.stageImport(ctx, id, upload);
		if (facts === null) throw new ImageError('conflict', `image ${id} has nothing staged`);
		return facts;
	}

	async function change(ctx: RequestContext, id: ImageId, job: TaskJob): Promise<void> {
		for (const plugin of plugins) {
			const image = await images.show(ctx, id);
			const outcome = await plugin.run(subjectOf(image, ctx), { signal: ctx.signal, log, say: (text) => void job.say(text) });
			await apply(ctx, id, outcome);
		}
	}

	function subjectOf({ id, diskFormat, containerFormat, staged: facts }: Image, { roles, signal }: RequestContext) {
		if (facts === null) throw new ImageError('conflict', `image ${id} has nothing staged`);
		const { content } = facts;
		const file = staged.file(content.root);
		return {
			image: { id, diskFormat, containerFormat },
			roles,
			staged: {
				size: content.size,
				read: (range = { start: 0, end: content.size }) => staged.read(content, range, { signal }),
				...(file !== undefined && { file }),
			},
		};
	}

	/** What changes changes together with the bytes: a crash in between must not leave one format declared as another. */
	async function apply(ctx: RequestContext, id: ImageId, { changes, data }: PluginOutcome): Promise<void> {
		const asked = changesOf(changes);
		if (data === undefined) {
			if (asked.length > 0) await images.update(ctx, id, asked);
			return;
		}
		await using made = data;
		await stagedBy(ctx, id, made.read(), asked, made.size);
	}

	async function storeAll(ctx: RequestContext, id: ImageId, job: TaskJob, request: ImportRequest): Promise<void> {
		const isCopy = request.method.name === 'copy-image';
		const mustAll = request.allStoresMustSucceed ?? true;
		const { properties } = await images.show(ctx, id);
		const stores = (properties[IMPORTING] ?? '').split(',').filter((each) => each !== '');
		const done: string[] = [];
		let failure: unknown;
		await inTurns(stores, parallelStores, async (store) => {
			if (mustAll && failure !== undefined) return;
			try {
				await images.importTo(ctx, id, store, (bytes) => void job.say(`Copied ${Math.floor(bytes / MIB)} MiB to ${store}`));
				done.push(store);
				await job.note(noteOf(id, done));
				if (!mustAll && !isCopy) await images.activateImport(ctx, id);
			} catch (error) {
				failure ??= error;
				if (mustAll || ctx.signal.aborted) return;
				await images.missImport(ctx, id, store);
			}
		});
		if (failure !== undefined && (mustAll || ctx.signal.aborted)) throw failure;
		if (isCopy) return;
		if (mustAll) await images.activateImport(ctx, id);
		else if ((await images.show(ctx, id)).status !== 'active') throw failure;
	}

	return {
		check: async () => {},
		isRepeatable: true,
		/** The image is held already, and nobody else would ever end that. */
		noteOf: (input) => noteOf(imageOf(input), []),
		async run(ctx, job) {
			const id = imageOf(job.input);
			const request = job.input.import_req as ImportRequest;
			const { status } = await images.show(ctx, id);
			if (request.method.name !== 'copy-image' && status !== 'active') {
				await fetch(ctx, id, job, request);
				await change(ctx, id, job);
				await images.checkImport(ctx, id);
			}
			await storeAll(ctx, id, job, request);
			await images.endImport(ctx, id, 'done');
			return { image_id: id };
		},
		/** Not if the image has gone on its way meanwhile. */
		async undo(ctx, note) {
			const { id, stored } = JSON.parse(note) as { readonly id: ImageId; readonly stored: readonly string[] };
			await images.endImport(ctx, id, 'failed', stored).catch((error: unknown) => {
				if (codeOf(error) !== 'not-found' && codeOf(error) !== 'conflict') throw error;
			});
		},
	};
}

const MIB = 1024 * 1024;

function noteOf(id: ImageId, stored: readonly string[]): string {
	return JSON.stringify({ id, stored });
}

function imageOf({ image_id: id }: TaskInput): string {
	if (typeof id !== 'string') throw new ImageError('invalid', "the task's input has no image_id");
	return id;
}

function changesOf({ properties = {}, diskFormat, containerFormat }: PluginOutcome['changes'] = {}): readonly ImageChange[] {
	const set = { ...(diskFormat !== undefined && { diskFormat }), ...(containerFormat !== undefined && { containerFormat }) };
	return [
		...(Object.keys(set).length > 0 ? [{ set }] : []),
		...Object.entries(properties).map(([setProperty, value]): ImageChange => ({ setProperty, value, when: 'always' })),
	];
}

/** All of them, a few at a time, in their order. */
async function inTurns<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
	const waiting = items.values();
	const worker = async () => {
		for (const item of waiting) await work(item);
	};
	await Promise.all(Array.from({ length: Math.max(1, Math.min(atOnce, items.length)) }, worker));
}
