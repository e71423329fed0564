/** Takes back what an upload has written when it did not come to its end. */
import { codeOf, ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import { type Account, refusal } from './account.ts';
import { removeContainer } from './containers.ts';
import { listObjects } from './listing.ts';
import type { Notes, UploadNote } from './notes.ts';

/** Metadata of every object that is written here, by which a writer knows its own. */
export const MARK_HEADER = 'x-object-meta-sundog-upload';

export interface Leftovers {
	/** Removes what bears the note's mark, `begun` or what the container lists, then the note. What cannot be removed now is noted, and tried again. */
	takeBack(note: UploadNote, begun: readonly string[]): Promise<void>;
	/** Tries again what could not be removed. `unavailable` when something of this key is still there. */
	tryAgain(key: string): Promise<void>;
	/** As far as that is possible now. */
	settle(): Promise<void>;
	/** What a crash has left. `unavailable` while Swift is away. */
	sweep(): Promise<void>;
}

export interface LeftoversParts {
	readonly notes: Notes;
	account(project: string | undefined): Account;
	/** an image's container is its own, and goes with it */
	readonly ownContainers: boolean;
	readonly log: Log;
}

/** Shorter than what a store waits for an upload that is being taken back. */
const CLEANING_MS = 12_000;

export const segmentName = (key: string, number: number): string => `${key}-${String(number).padStart(5, '0')}`;

export function createLeftovers({ notes, account, ownContainers, log }: LeftoversParts): Leftovers {
	const waiting = new Map<string, UploadNote>();

	async function clear(note: UploadNote, begun: readonly string[] | undefined): Promise<void> {
		const { project, container, key } = note;
		const signal = AbortSignal.timeout(CLEANING_MS);
		const own = account(project);
		const names = begun ?? (await findNames(own, note, signal));
		// the object itself goes last: as long as it is there, nobody else begins one of this name
		for (const name of names.toReversed()) await removeMarked(own, container, name, note.mark, signal);
		if (ownContainers && container.endsWith(`_${key}`)) await removeContainer(own, container, signal);
		await notes.drop(note);
		waiting.delete(note.mark);
	}

	return {
		async takeBack(note, begun) {
			try {
				await clear(note, begun);
			} catch (error) {
				log.warn({ err: error, key: note.key }, 'parts of a failed upload stay in swift for now');
				const failed = { ...note, failed: true };
				waiting.set(note.mark, failed);
				await notes.keep(failed);
			}
		},
		async tryAgain(key) {
			for (const note of waiting.values())
				await clear(note, undefined).catch((error: unknown) => {
					if (note.key !== key) return;
					const why = error instanceof ImageError ? `: ${error.message}` : '';
					throw new ImageError('unavailable', `parts of a failed upload cannot be removed yet${why}`, { cause: error });
				});
		},
		async settle() {
			for (const note of waiting.values())
				await clear(note, undefined).catch((error: unknown) => {
					log.info({ err: error, key: note.key }, 'parts of a failed upload stay in swift still');
				});
		},
		async sweep() {
			for (const note of await notes.all())
				await clear(note, undefined).catch((error: unknown) => {
					if (codeOf(error) === 'unavailable' || !(error instanceof ImageError)) throw error;
					log.warn({ err: error, key: note.key }, 'parts of an unfinished upload cannot be removed from swift');
					waiting.set(note.mark, note);
				});
		},
	};
}

/** A finished object whose upload was not reported as failed may be in use: it is not touched, nor what it is made of. */
async function findNames(account: Account, { container, key, mark, failed }: UploadNote, signal: AbortSignal): Promise<string[]> {
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
