/** Bytes that an import brings from elsewhere, staged as if a client had sent them: whole and as announced, or not at all. */
import { createHash, getHashes } from 'node:crypto';
import type { RequestContext } from '#domain/context.ts';
import type { ImageController } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import type { Image } from '#domain/image.ts';
import type { ImportMethod } from '#domain/import-request.ts';
import type { TaskJob } from '#domain/ports/task-runners.ts';
import type { FetchMethods } from './methods/index.ts';
import type { Fetched } from './methods/method.ts';
import { copiedText } from './progress.ts';
import { telling } from './telling.ts';

export interface FetchingOptions {
	readonly images: Pick<ImageController, 'stageImport'>;
	readonly methods: FetchMethods;
	/** UTC milliseconds */
	readonly clock: () => number;
}

type FetchAll = (ctx: RequestContext, image: Image, job: TaskJob, method: ImportMethod) => Promise<void>;

export function fetching({ images, methods, clock }: FetchingOptions): FetchAll {
	return async (ctx, image, job, method) => {
		const source = methods.of(method);
		if (source === undefined) return;
		const { credential } = job;
		using body = await source.open({ ...ctx, ...(credential && { credential }) }, method, image);
		const { size, changes = [], digest } = body;
		const staged = await images.stageImport(ctx, image.id, {
			data: verified(telling(body.data, job, clock, size), digest),
			maxBytes: Number.MAX_SAFE_INTEGER,
			changes,
			...(size !== undefined && { declaredSize: size }),
		});
		await job.say(copiedText(staged.size ?? 0));
	};
}

/** The verdict falls before the bytes end, so that wrong ones are a source that failed. Of an algorithm that nobody knows there is none. */
function verified(data: AsyncIterable<Uint8Array>, digest: Fetched['digest']): AsyncIterable<Uint8Array> {
	return digest === undefined || !getHashes().includes(digest.algorithm) ? data : compared(data, digest);
}

async function* compared(
	data: AsyncIterable<Uint8Array>,
	{ algorithm, value }: NonNullable<Fetched['digest']>,
): AsyncGenerator<Uint8Array> {
	const hash = createHash(algorithm);
	for await (const chunk of data) {
		hash.update(chunk);
		yield chunk;
	}
	if (hash.digest('hex') !== value.toLowerCase())
		throw new ImageError('invalid', 'the bytes that came are not those of the image of the other region');
}
