/** Takes back what an upload has written when it did not come to its end. */

import type { Log } from '#lib/log.ts';
import { type HalfMade, hasTexts, openHalfMade } from '#store/drivers/half-made.ts';
import { type Account, refusal } from './account.ts';
import { removeContainer } from './containers.ts';
import { listObjects } from './listing.ts';

/** Metadata of every object that is written here, by which a writer knows its own. */
export const MARK_HEADER = 'x-object-meta-sundog-upload';

/** Known of it: the names of objects that may be there and bear the mark, in the order in which they were begun. */
export type Uploads = HalfMade<NotedUpload, readonly string[]>;

export interface NotedUpload {
	readonly key: string;
	readonly container: string;
	/** id, when it is another project's account than the store's own */
	readonly project?: string;
	/** what its objects bear: those of others, of the same name, bear another */
	readonly mark: string;
	/** The upload failed and nobody has its location: whatever bears the mark goes, a finished object too. */
	readonly failed: boolean;
}

export interface UploadsParts {
	readonly dir: string;
	account(project: string | undefined): Account;
	/** an image's container is its own, and goes with it */
	readonly ownContainers: boolean;
	readonly log: Log;
}

/** Shorter than what a store waits for an upload that is being taken back. */
const CLEANING_MS = 12_000;

export const segmentName = (key: string, number: number): string => `${key}-${String(number).padStart(5, '0')}`;

export function openUploads({ dir, account, ownContainers, log }: UploadsParts): Promise<Uploads> {
	return openHalfMade<NotedUpload, readonly string[]>({
		dir,
		isWhat: isUpload,
		log,
		limitMs: CLEANING_MS,
		async takeAway(upload, begun, signal) {
			const { project, container, key, mark } = upload;
			const own = account(project);
			const names = begun ?? (await findNames(own, upload, signal));
			// the object itself goes last: as long as it is there, nobody else begins one of this name
			for (const name of names.toReversed()) await removeMarked(own, container, name, mark, signal);
			if (ownContainers && container.endsWith(`_${key}`)) await removeContainer(own, container, signal);
		},
	});
}

function isUpload(content: unknown): content is NotedUpload {
	if (!hasTexts(content, 'key', 'container', 'mark')) return false;
	const { project, failed } = content;
	return typeof failed === 'boolean' && (project === undefined || typeof project === 'string');
}

/** A finished object whose upload was not reported as failed may be in use: it is not touched, nor what it is made of. */
async function findNames(
	account: Account,
	{ container, key, mark, failed }: NotedUpload,
	signal: AbortSignal,
): Promise<string[]> {
	const { status, header } = await account.ask({ method: 'HEAD', container, object: key, signal });
	if (status >= 300 && status !== 404) throw refusal(status, 'looking for an unfinished upload');
	if (!failed && header('x-object-manifest') !== undefined && header(MARK_HEADER) === mark) return [];
	const names = [key];
	for await (const { name } of listObjects(account, container, `${key}-`, signal))
		if (/^\d{5,}$/.test(name.slice(key.length + 1))) names.push(name);
	return names;
}

/** Where nothing is seen, deletion still forbids what may be about to appear: Swift orders both by time of request. */
async function removeMarked(
	account: Account,
	container: string,
	object: string,
	mark: string,
	signal: AbortSignal,
): Promise<void> {
	const { status, header } = await account.ask({ method: 'HEAD', container, object, signal });
	if (status < 300 && header(MARK_HEADER) !== mark) return;
	if (status >= 300 && status !== 404) throw refusal(status, 'looking for an unfinished upload');
	const gone = await account.ask({ method: 'DELETE', container, object, signal });
	if (gone.status >= 300 && gone.status !== 404) throw refusal(gone.status, 'removing an unfinished upload');
}
