/**
 * What is half made in a backend, noted in the node's own folder before it is begun: a crash leaves the note, and whoever
 * opens the store next takes the thing away. So does the store itself, again and again, when taking away fails at first.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '#domain/errors.ts';
import { syncDirectory } from '#lib/durable.ts';
import type { Log } from '#lib/log.ts';
import { singleFlight } from '#lib/single-flight.ts';

export interface Unfinished extends AsyncDisposable {
	/** The note is durable when it resolves. */
	begin(name: string): Promise<Note>;
	/** Takes away now what an earlier attempt has left under this name; fails when it cannot be yet. */
	settle(name: string): Promise<void>;
}

export interface Note {
	/** It is made, or never began: nothing is left to be done. Never fails: a note too many does no harm. */
	end(): Promise<void>;
	/** Takes it away, as `takeAway` does; what cannot be now is later. Never fails. */
	undo(ours: boolean): Promise<void>;
}

export interface UnfinishedOptions {
	readonly dir: string;
	/**
	 * Resolves when nothing half made of that name is there any more. `ours`: it is certain that this store made it, and whole or
	 * not it goes. Else it may never have been begun, or been finished before a crash: what is whole stays.
	 */
	takeAway(name: string, ours: boolean): Promise<void>;
	readonly log: Log;
	/** default 20 s */
	readonly retryMs?: number;
}

const NOTE = /^([0-9A-Za-z-]{1,64})~[0-9a-f]{16}$/;
const RETRY_MS = 20_000;

export async function openUnfinished({ dir, takeAway, log, retryMs = RETRY_MS }: UnfinishedOptions): Promise<Unfinished> {
	await mkdir(dir, { recursive: true, mode: 0o700 });
	/** file of the note → whether the thing is certainly ours */
	const left = new Map((await readdir(dir)).filter((file) => NOTE.test(file)).map((file) => [file, false]));
	const flights = singleFlight<void>();
	const never = new AbortController().signal;
	let timer: NodeJS.Timeout | undefined;
	let closed = false;

	async function forget(file: string): Promise<void> {
		left.delete(file);
		await rm(join(dir, file), { force: true }).catch((err: unknown) => log.warn({ err }, 'a note cannot be removed'));
	}
	const finish = (file: string, ours: boolean) =>
		flights(file, never, async () => {
			await takeAway(nameIn(file), ours);
			await forget(file);
		});

	async function sweep(): Promise<void> {
		for (const [file, ours] of left)
			try {
				await finish(file, ours);
			} catch (err) {
				log.info({ err, name: nameIn(file) }, 'something half made cannot be removed yet; it is tried again');
				if (codeOf(err) === 'unavailable') break;
			}
		plan();
	}
	function plan(): void {
		if (closed || left.size === 0) return;
		timer ??= setTimeout(() => {
			timer = undefined;
			void flights('', never, sweep);
		}, retryMs).unref();
	}

	await flights('', never, sweep);
	return {
		async begin(name) {
			const file = `${name}~${randomBytes(8).toString('hex')}`;
			const note = await open(join(dir, file), 'wx', 0o600);
			await note.close();
			await syncDirectory(dir);
			return {
				end: () => forget(file),
				async undo(ours) {
					try {
						await finish(file, ours);
					} catch (err) {
						log.warn({ err, name }, 'something half made stays for now');
						left.set(file, ours);
						plan();
					}
				},
			};
		},
		async settle(name) {
			for (const [file, ours] of left) if (nameIn(file) === name) await finish(file, ours);
		},
		async [Symbol.asyncDispose]() {
			closed = true;
			clearTimeout(timer);
			await flights('', never, async () => {});
		},
	};
}

function nameIn(file: string): string {
	return NOTE.exec(file)?.[1] ?? '';
}
