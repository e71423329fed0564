/**
 * Uploads that this node has begun in the bucket and not brought to their end. What others have under way in the same bucket
 * is never touched: each object bears the mark of the upload that made it.
 */
import type { Log } from '#lib/log.ts';
import { type HalfMade, hasTexts, openHalfMade } from '#store/drivers/half-made.ts';
import type { S3Client } from './client.ts';

export type Uploads = HalfMade<NotedUpload, FailedUpload>;

export interface NotedUpload {
	readonly key: string;
	/** what the object will bear */
	readonly mark: string;
	/** The server was about to be asked for a multipart upload; others of this key that it had. */
	readonly asked?: { readonly atMs: number; readonly others: readonly string[] };
	/** It has given this one. */
	readonly upload?: string;
}

export interface FailedUpload {
	/** a request was sent and never answered */
	readonly unsure: boolean;
}

/** So long a server may be busy with a request whose sender has gone. */
const UNSURE_MS = 60_000;
/** How far apart the clocks may be for S3 to serve us. */
const SKEW_MS = 15 * 60_000;

export function openUploads(dir: string, client: S3Client, log: Log): Promise<Uploads> {
	return openHalfMade<NotedUpload, FailedUpload>({
		dir,
		isWhat: isUpload,
		takeAway: (what, _, signal) => takeBack(client, what, signal),
		lingersMs: (_, known) => (known?.unsure === false ? 0 : UNSURE_MS),
		log,
	});
}

/** Fine when there is nothing. */
async function takeBack(client: S3Client, { key, mark, upload, asked }: NotedUpload, signal: AbortSignal): Promise<void> {
	if (upload !== undefined) await client.abort(key, upload, signal);
	else if (asked !== undefined)
		for (const { id, begunMs } of await client.pendingUploads(key, signal)) {
			// begun when we asked, unknown before, and nobody has sent a part: ours, of which the answer was lost
			const near = Math.abs(begunMs - asked.atMs) < SKEW_MS;
			if (near && !asked.others.includes(id) && !(await client.hasParts(key, id, signal))) await client.abort(key, id, signal);
		}
	const found = await client.find(key, signal);
	if (found?.mark === mark) await client.remove(key, signal);
}

function isUpload(content: unknown): content is NotedUpload {
	if (!hasTexts(content, 'key', 'mark')) return false;
	const { upload, asked } = content;
	return (upload === undefined || typeof upload === 'string') && (asked === undefined || isQuestion(asked));
}

function isQuestion(asked: unknown): boolean {
	if (typeof asked !== 'object' || asked === null) return false;
	const { atMs, others }: { readonly atMs?: unknown; readonly others?: unknown } = asked;
	return typeof atMs === 'number' && Array.isArray(others) && others.every((each) => typeof each === 'string');
}
