/**
 * What a driver has begun in its backend and not ended: noted on the node's own disk before it is begun, forgotten when it is
 * made. What fails is taken away; what cannot be yet, and what a crash has left, is tried again until it is gone: when the
 * store is opened, now and then by itself, and before something of the same name is begun. A driver brings only how it takes
 * away, and must know its own there: others may have the same under way in the same backend.
 */
import { codeOf, ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import { singleFlight } from '#lib/single-flight.ts';
import { type NoteDisk, openNotes } from './half-made/notes.ts';

/** `What` is in the note; `Known` is known only to the run that began it, and helps to take away. */
export interface HalfMade<What, Known = void> extends AsyncDisposable {
	/** The note is durable when it resolves: the thing may begin then, and not before. */
	begin(what: What): Promise<Note<What, Known>>;
	/** For what comes whole or not at all: it is noted only if it fails and cannot be taken away at once. */
	beginUnnoted(what: What): Note<What, Known>;
	/** Takes away now what is left of those; `unavailable` when one of them cannot be yet. */
	settle(which: (what: What) => boolean): Promise<void>;
	/** Takes away what can be now. Fails only by the signal. */
	settleAll(signal: AbortSignal): Promise<void>;
}

export interface Note<What, Known = void> {
	/** More is known of it. Durable when it resolves. */
	change(what: What): Promise<void>;
	/**
	 * It is made, or was never begun: nothing is to be taken away any more. Durable when it resolves, for a note that came back after
	 * a loss of power would undo what was finished; when it fails, `undo` is still to be called.
	 */
	end(): Promise<void>;
	/** Takes it away; what cannot be now is later, and `what` is noted of it until then. Never fails. */
	undo(known: Known, what?: What): Promise<void>;
}

export interface HalfMadeOptions<What, Known> {
	/** of this store alone */
	readonly dir: string;
	/** Is that a note's content, as this driver writes it? */
	isWhat(content: unknown): content is What;
	/**
	 * Resolves when nothing of it is there, and touches nothing that others have made. `known` is undefined after a crash: then it
	 * may never have been begun, or be whole and in use. May be called again after it has resolved.
	 */
	takeAway(what: What, known: Known | undefined, signal: AbortSignal): Promise<void>;
	/** So long after it failed something may still appear in the backend, in milliseconds: until then it is taken away again. Default 0 */
	lingersMs?(what: What, known: Known | undefined): number;
	readonly log: Log;
	/** how long one may take to be taken away; default 10 s */
	readonly limitMs?: number;
	/** default 20 s */
	readonly retryMs?: number;
	readonly disk?: NoteDisk;
}

interface Left<What, Known> {
	readonly what: What;
	readonly known: Known | undefined;
	/** monotonic milliseconds */
	readonly sinceMs: number;
}

/** Shorter than what a store waits for an upload that is being taken back. */
const LIMIT_MS = 10_000;
const RETRY_MS = 20_000;
const ALL = '';

export async function openHalfMade<What, Known = void>(options: HalfMadeOptions<What, Known>): Promise<HalfMade<What, Known>> {
	const { dir, isWhat, takeAway, lingersMs = () => 0, log, limitMs = LIMIT_MS, retryMs = RETRY_MS } = options;
	const notes = await openNotes(dir, options.disk);
	/** by the names of their notes, those that were tried longest ago first */
	const left = new Map<string, Left<What, Known>>();
	for (const [name, what] of notes.left)
		if (isWhat(what)) left.set(name, { what, known: undefined, sinceMs: performance.now() });
		else log.error({ note: name, dir }, 'a note of something half made is of no known form, and stays');
	const flights = singleFlight<void>();
	const closed = new AbortController();
	const never = new AbortController().signal;
	const running = new Set<Promise<void>>();
	let timer: NodeJS.Timeout | undefined;

	/** Resolves when it is away and will not appear any more, or as far as that is true now: then it stays in `left`. */
	function finish(name: string, one: Left<What, Known>): Promise<void> {
		const work = flights(name, never, async () => {
			left.delete(name);
			left.set(name, one);
			await takeAway(one.what, one.known, AbortSignal.any([closed.signal, AbortSignal.timeout(limitMs)]));
			if (performance.now() - one.sinceMs < lingersMs(one.what, one.known)) return;
			await notes.remove(name);
			left.delete(name);
		});
		const ended = work.catch(() => undefined).finally(() => running.delete(ended));
		running.add(ended);
		return work;
	}

	async function finishAll(): Promise<void> {
		for (const [name, one] of [...left]) {
			if (closed.signal.aborted) return;
			const startedMs = performance.now();
			try {
				await finish(name, one);
			} catch (err) {
				log.info({ err, what: one.what }, 'something half made cannot be removed yet; it is tried again');
				// a backend that is away is not waited for once for each of them
				if (codeOf(err) === 'unavailable' || performance.now() - startedMs >= limitMs) break;
			}
		}
		plan();
	}
	const settleAll = (signal: AbortSignal) => flights(ALL, signal, finishAll);

	function plan(): void {
		if (closed.signal.aborted || left.size === 0) return;
		timer ??= setTimeout(() => {
			timer = undefined;
			void settleAll(never);
		}, retryMs).unref();
	}

	/** `noted`: what its file says. */
	function noteOf(name: string, what: What, noted?: What): Note<What, Known> {
		async function write(content: What): Promise<void> {
			await notes.write(name, content);
			noted = content;
		}
		return {
			change(content) {
				what = content;
				return write(content);
			},
			async end() {
				if (noted !== undefined) await notes.remove(name);
			},
			async undo(known, failed = what) {
				try {
					await finish(name, { what: failed, known, sinceMs: performance.now() });
				} catch (err) {
					log.warn({ err, what: failed }, 'something half made stays for now; it is tried again');
				}
				if (!left.has(name)) return;
				plan();
				if (noted === failed) return;
				await write(failed).catch((err: unknown) => log.warn({ err, what: failed }, 'something half made cannot be noted'));
			},
		};
	}

	await settleAll(never);
	return {
		async begin(what) {
			const name = notes.newName();
			await notes.write(name, what);
			return noteOf(name, what, what);
		},
		beginUnnoted: (what) => noteOf(notes.newName(), what),
		async settle(which) {
			for (const [name, one] of [...left])
				if (which(one.what))
					await finish(name, one).catch((cause: unknown) => {
						const why = cause instanceof ImageError ? `: ${cause.message}` : '';
						throw new ImageError('unavailable', `what an earlier upload has left cannot be removed yet${why}`, { cause });
					});
		},
		settleAll,
		async [Symbol.asyncDispose]() {
			closed.abort(new ImageError('aborted', 'the store is closed'));
			clearTimeout(timer);
			await flights(ALL, never, async () => undefined);
			await Promise.all(running);
		},
	};
}

/** For `isWhat`: an object of whose members these are texts. */
export function hasTexts<Name extends string>(
	content: unknown,
	...names: readonly Name[]
): content is Readonly<Record<string, unknown>> & Readonly<Record<Name, string>> {
	return typeof content === 'object' && content !== null && names.every((name) => typeof Reflect.get(content, name) === 'string');
}
