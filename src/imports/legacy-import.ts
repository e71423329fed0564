/**
 * Tasks of type `import`: an image with these properties, of what is at this URL. Glance's oldest import, kept for who
 * still uses it; the rest of the node sees ordinary requests of the task's creator.
 */
import type { RequestContext } from '#domain/context.ts';
import type { ImageController } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ImageDraft, ImageId } from '#domain/image.ts';
import type { TaskInput, TaskJob, TaskRunner } from '#domain/ports/task-runners.ts';
import { telling } from './telling.ts';
import type { WebSource } from './web-source.ts';

export interface LegacyImportOptions {
	readonly images: Pick<ImageController, 'create' | 'update' | 'upload' | 'remove'>;
	readonly web: WebSource;
	/** by the rules of the body of "Create image" */
	readonly parseDraft: (properties: unknown) => ImageDraft;
	/** UTC milliseconds */
	readonly clock: () => number;
}

export function legacyImport({ images, web, parseDraft, clock }: LegacyImportOptions): TaskRunner {
	/** Noted before it is there where its id is ours: a crash in between must not leave one that nobody would ever remove. */
	async function create(ctx: RequestContext, job: TaskJob, draft: ImageDraft): Promise<ImageId> {
		const id = draft.id ?? crypto.randomUUID();
		if (draft.id === undefined) await job.note(id);
		await images.create(ctx, { ...draft, id });
		if (draft.id !== undefined) await job.note(id);
		return id;
	}

	async function fill(ctx: RequestContext, job: TaskJob, id: ImageId, url: string): Promise<void> {
		using body = await web.open(url, ctx);
		const { size } = body;
		await images.upload(ctx, id, {
			data: telling(body.data, job, clock, size),
			...(size !== undefined && { declaredSize: size }),
			maxBytes: Number.MAX_SAFE_INTEGER,
		});
	}

	return {
		async check(input, options) {
			await web.check(locationOf(input), options);
		},
		async run(ctx, job) {
			for (const key of ['import_from', 'import_from_format', 'image_properties'])
				if (!Object.hasOwn(job.input, key)) throw new ImageError('invalid', `the task's input has no ${key}`);
			const draft = parseDraft(job.input.image_properties);
			const id = await create(ctx, job, draft);
			await fill(ctx, job, id, locationOf(job.input));
			return { image_id: id };
		},
		async undo(ctx, id) {
			try {
				// it may have been made protected, and is nobody's yet
				await images.update(ctx, id, [{ set: { protected: false } }]);
				await images.remove(ctx, id);
			} catch (error) {
				if (codeOf(error) !== 'not-found') throw error;
			}
		},
	};
}

/** The words for a location that is none are apart from those of the filter, as in Glance. */
function locationOf({ import_from: url }: TaskInput): string {
	if (typeof url !== 'string' || url === '') throw new ImageError('invalid', 'import_from must be a URL');
	if (/^(?:file|filesystem):/i.test(url)) throw new ImageError('invalid', 'files of this machine are not imported');
	return url;
}
