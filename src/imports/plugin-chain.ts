/**
 * The operator's plugins, each on what the one before it left. Bytes and what is said of them change in one commit; which
 * plugin has begun on which bytes is noted before, so that the next process knows what a crash left: other bytes than those
 * mean that the plugin had come to its end.
 */
import type { RequestContext } from '#domain/context.ts';
import type { ImageController } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import type { ContentRef, Image, ImageChange } from '#domain/image.ts';
import type { ImageData } from '#domain/ports/image-data.ts';
import type { TaskJob } from '#domain/ports/task-runners.ts';
import type { Log } from '#lib/log.ts';
import type { ImageChanges, ImportPlugin, ReplacedBytes, StagedBytes } from './plugins/plugin.ts';
import type { Reporter } from './progress.ts';

export interface PluginChainOptions {
	readonly images: Pick<ImageController, 'stageImport' | 'changeImport'>;
	readonly plugins: readonly ImportPlugin[];
	/** what is staged is read as it lies there, by whoever holds the image */
	readonly staged: Pick<ImageData, 'read'> & { file(root: string): string | undefined };
	readonly log: Log;
}

interface Run {
	readonly ctx: RequestContext;
	readonly job: Pick<TaskJob, 'note' | 'noted'>;
	readonly reporter: Reporter;
}

/** As noted: the plugin that has begun, and the bytes that it was given. */
interface Step {
	readonly plugin: number;
	readonly root: string;
}

/** Resolves to the image as the last plugin left it. */
export type RunPlugins = (image: Image, run: Run) => Promise<Image>;

export function pluginChain({ images, plugins, staged, log }: PluginChainOptions): RunPlugins {
	function bytesOf(content: ContentRef, signal: AbortSignal): StagedBytes {
		const file = staged.file(content.root);
		return {
			size: content.size,
			read: (range = { start: 0, end: content.size }) => staged.read(content, range, { signal }),
			...(file !== undefined && { file }),
		};
	}

	async function apply(plugin: ImportPlugin, image: Image, { ctx, reporter }: Run): Promise<Image> {
		const outcome = await plugin.run(
			{ image, roles: ctx.roles, staged: bytesOf(contentOf(image), ctx.signal) },
			{ signal: ctx.signal, log, say: reporter.say },
		);
		const changes = changesOf(outcome.changes);
		if (outcome.data !== undefined) return replace(ctx, image, outcome.data, changes);
		return changes.length === 0 ? image : images.changeImport(ctx, image.id, changes);
	}

	async function replace(
		ctx: RequestContext,
		{ id }: Image,
		data: ReplacedBytes,
		changes: readonly ImageChange[],
	): Promise<Image> {
		await using made = data;
		const upload = {
			data: made.read(),
			maxBytes: Number.MAX_SAFE_INTEGER,
			changes,
			...(made.size !== undefined && { declaredSize: made.size }),
		};
		return await images.stageImport(ctx, id, upload);
	}

	return async (first, run) => {
		let image = first;
		const begun = stepOf(run.job.noted);
		const next = begun === undefined ? 0 : begun.plugin + (begun.root === contentOf(image).root ? 0 : 1);
		for (const [at, plugin] of plugins.entries()) {
			if (at < next) continue;
			await run.job.note(JSON.stringify({ plugin: at, root: contentOf(image).root } satisfies Step));
			image = await apply(plugin, image, run);
		}
		if (next < plugins.length) await run.job.note(JSON.stringify({ plugin: plugins.length, root: '' } satisfies Step));
		return image;
	};
}

function contentOf({ id, staged }: Image): ContentRef {
	if (staged === null) throw new ImageError('conflict', `image ${id} has nothing staged`);
	return staged.content;
}

/** Of a task that no plugin has worked for, the note is another. */
function stepOf(note: string | null): Step | undefined {
	return note?.startsWith('{') === true ? (JSON.parse(note) as Step) : undefined;
}

/** The virtual size is found once more when all bytes are checked. */
function changesOf({ properties = {}, diskFormat, containerFormat }: ImageChanges = {}): readonly ImageChange[] {
	const set = { ...(diskFormat !== undefined && { diskFormat }), ...(containerFormat !== undefined && { containerFormat }) };
	return [
		...(Object.keys(set).length > 0 ? [{ set }] : []),
		...Object.entries(properties).map(([setProperty, value]): ImageChange => ({ setProperty, value, when: 'always' })),
	];
}
