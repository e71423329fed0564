/**
 * What this node has begun in the bucket and not brought to its end: a note on disk before the first request, gone before
 * the upload counts as done. What a crash or a lost link leaves is found by its note and taken back; what others have under
 * way in the same bucket is never touched, for each object bears the mark of the upload that made it.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '#lib/durable.ts';
import type { Log } from '#lib/log.ts';
import type { S3Client } from './client.ts';

export interface Attempt {
	readonly key: string;
	/** what the object will bear */
	readonly mark: string;
	/** The server is about to be asked for a multipart upload; others of this key that it has. */
	beginning(others: readonly string[]): Promise<void>;
	/** It has given one. */
	begun(upload: string): Promise<void>;
	/** Nothing is to be taken back any more. */
	done(): Promise<void>;
	/** Takes back what there is, as far as the server can be reached. `unsure`: a request was sent and never answered. */
	undo(unsure: boolean): Promise<void>;
}

export interface Notes {
	attempt(key: string): Promise<Attempt>;
	/** Takes back what could not be taken back before; throws nothing. */
	settle(signal: AbortSignal): Promise<void>;
}

interface Note {
	readonly key: string;
	readonly mark: string;
	readonly upload?: string;
	readonly asked?: { readonly atMs: number; readonly others: readonly string[] };
}

interface Pending {
	readonly note: Note;
	readonly sinceMs: number;
}

const CLEANING_MS = 10_000;
/** So long a server may be busy with a request whose sender has gone. */
const UNSURE_MS = 60_000;
/** How far apart the clocks may be for S3 to serve us. */
const SKEW_MS = 15 * 60_000;
const FILE = /^[0-9a-f-]{36}\.json$/;

/** Reads the notes that an earlier run has left in that folder. */
export async function openNotes(dir: string, client: S3Client, log: Log): Promise<Notes> {
	await mkdir(dir, { recursive: true, mode: 0o700 });
	const pending = new Map<string, Pending>();
	for (const name of (await readdir(dir)).filter((each) => FILE.test(each))) {
		const note = parse(await readFile(join(dir, name), 'utf8'));
		if (note !== undefined) pending.set(note.mark, { note, sinceMs: Date.now() });
	}
	const pathOf = ({ mark }: Note) => join(dir, `${mark}.json`);

	async function write(note: Note): Promise<void> {
		const draft = `${pathOf(note)}.new`;
		const file = await open(draft, 'w', 0o600);
		try {
			await file.writeFile(JSON.stringify(note));
			await file.sync();
		} finally {
			await file.close();
		}
		await rename(draft, pathOf(note));
		await syncDirectory(dir);
	}

	async function forget(note: Note): Promise<void> {
		pending.delete(note.mark);
		await rm(pathOf(note), { force: true });
		// a note that came back after a loss of power would take back an object that counts
		await syncDirectory(dir);
	}

	return {
		async attempt(key) {
			let note: Note = { key, mark: randomUUID() };
			await write(note);
			return {
				key,
				mark: note.mark,
				async beginning(others) {
					note = { ...note, asked: { atMs: Date.now(), others } };
					await write(note);
				},
				async begun(upload) {
					note = { ...note, upload };
					await write(note);
				},
				done: () => forget(note),
				async undo(unsure) {
					pending.set(note.mark, { note, sinceMs: Date.now() });
					try {
						await takeBack(client, note, AbortSignal.timeout(CLEANING_MS));
						if (!unsure) await forget(note);
					} catch (error) {
						log.warn({ err: error, key }, 'what an upload has left is taken back later');
					}
				},
			};
		},
		async settle(signal) {
			for (const { note, sinceMs } of pending.values()) {
				try {
					await takeBack(client, note, signal);
					if (Date.now() - sinceMs > UNSURE_MS) await forget(note);
				} catch (error) {
					log.warn({ err: error, key: note.key }, 'what an upload has left is taken back later');
				}
			}
		},
	};
}

/** Fine when there is nothing. */
async function takeBack(client: S3Client, { key, mark, upload, asked }: Note, signal: AbortSignal): Promise<void> {
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

function parse(text: string): Note | undefined {
	try {
		const { key, mark, upload, asked } = JSON.parse(text) as Partial<Note>;
		if (typeof key !== 'string' || typeof mark !== 'string') return undefined;
		return { key, mark, ...(typeof upload === 'string' && { upload }), ...(asked !== undefined && { asked }) };
	} catch {
		return undefined;
	}
}
