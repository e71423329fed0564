/**
 * Notifications on their way: one ordered list in the node's key-value store that every sink reads at its own pace.
 *
 *   m/<seq>       a notification, JSON
 *   c/<reader>    the last seq this reader is done with
 *
 * Adding never waits: what comes is written in the background, in batches, without fsync. A crash of the process loses
 * what came in the last moment before it; loss of power the last seconds. The list is bounded, and the oldest go first.
 */
import type { KeyChange, KeyValue } from '#lib/key-value.ts';
import type { Log } from '#lib/log.ts';
import { orLeft } from '#lib/or-left.ts';
import { MiB } from '#lib/sizes.ts';
import type { Notification } from './payload.ts';

export interface OutboxLimits {
	readonly maxMessages: number;
	readonly maxBytes: number;
}

export const DEFAULT_OUTBOX: OutboxLimits = { maxMessages: 100_000, maxBytes: 256 * MiB };

export interface Entry {
	readonly seq: number;
	readonly notification: Notification;
}

export interface OutboxReader {
	/**
	 * At least one entry after those done with, in order, at most `max`; waits for it. Rejects when the signal has aborted
	 * and nothing is there.
	 */
	next(max: number, options: { readonly signal: AbortSignal }): Promise<readonly Entry[]>;
	/** Everything up to `seq` was delivered, or given up. */
	done(seq: number): Promise<void>;
}

export interface Outbox extends AsyncDisposable {
	add(notification: Notification): void;
	/** Continues where a reader of this name has stopped; a new one begins with what comes from now on. */
	reader(name: string): OutboxReader;
	/** Notifications that no reader will see, since the start. */
	lost(): number;
}

interface OutboxParts {
	readonly kv: KeyValue;
	/** All readers there will be: what only others have not read is dropped. */
	readonly readers: readonly string[];
	readonly log: Log;
	readonly limits?: Partial<OutboxLimits>;
}

const MESSAGES = 'm/';
const CURSORS = 'c/';
const messageKey = (seq: number) => MESSAGES + seq.toString(16).padStart(12, '0');
const seqOf = (key: string) => Number.parseInt(key.slice(MESSAGES.length), 16);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export async function openOutbox({ kv, readers, log, limits = {} }: OutboxParts): Promise<Outbox> {
	const { maxMessages, maxBytes } = { ...DEFAULT_OUTBOX, ...limits };
	/** seq → bytes, in order */
	const held = await sizesOf(kv);
	let heldBytes = [...held.values()].reduce((sum, bytes) => sum + bytes, 0);
	const cursors = await cursorsOf(kv);
	let lastSeq = Math.max(0, [...held.keys()].at(-1) ?? 0, ...cursors.values());

	function cursorOf(name: string): KeyChange {
		return { put: CURSORS + name, value: encoder.encode(String(cursors.get(name))) };
	}

	const fresh = readers.filter((name) => !cursors.has(name));
	for (const name of fresh) cursors.set(name, lastSeq);
	await kv.write(fresh.map(cursorOf), { sync: false });
	for (const name of cursors.keys()) if (!readers.includes(name)) cursors.delete(name);
	let lost = 0;
	/** written so far */
	let shown = lastSeq;
	let unwritten: { readonly seq: number; readonly value: Uint8Array }[] = [];
	/** forgotten, and still in the store */
	let undeleted: number[] = [];
	let writing: Promise<void> | undefined;
	let arrival = Promise.withResolvers<void>();

	function add(notification: Notification): void {
		const value = encoder.encode(JSON.stringify(notification));
		lastSeq += 1;
		unwritten.push({ seq: lastSeq, value });
		held.set(lastSeq, value.length);
		heldBytes += value.length;
		writing ??= write();
	}

	/** One batch after the other until nothing is left. A full disk is waited out by the next notification. */
	async function write(): Promise<void> {
		await Promise.resolve();
		while (unwritten.length > 0) {
			undeleted.push(...overflow());
			const batch = unwritten;
			unwritten = [];
			const puts = batch.filter(({ seq }) => held.has(seq)).map(({ seq, value }) => ({ put: messageKey(seq), value }));
			try {
				await kv.write([...puts, ...undeleted.map((seq) => ({ del: messageKey(seq) }))], { sync: false });
				undeleted = [];
			} catch (error) {
				unwritten = [...batch, ...unwritten].filter(({ seq }) => held.has(seq));
				log.error({ err: error, waiting: unwritten.length }, 'notifications cannot be written down');
				break;
			}
			shown = batch.at(-1)?.seq ?? shown;
			arrival.resolve();
			arrival = Promise.withResolvers();
		}
		writing = undefined;
	}

	/** The oldest beyond the limits: seqs that are forgotten now. */
	function overflow(): readonly number[] {
		const dropped: number[] = [];
		for (const [seq, bytes] of held) {
			if (held.size <= maxMessages && heldBytes <= maxBytes) break;
			held.delete(seq);
			heldBytes -= bytes;
			dropped.push(seq);
		}
		const newest = dropped.at(-1);
		if (newest === undefined) return dropped;
		if (lost === 0) log.warn({ maxMessages, maxBytes }, 'the outbox is full: the oldest notifications are lost');
		lost += dropped.length;
		for (const [name, cursor] of cursors) cursors.set(name, Math.max(cursor, newest));
		return dropped;
	}

	async function take(name: string, max: number): Promise<readonly Entry[]> {
		const found: Entry[] = [];
		const after = messageKey(cursors.get(name) ?? 0);
		for await (const [key, value] of kv.entries({ gt: after, lte: messageKey(shown), limit: max }))
			found.push({ seq: seqOf(key), notification: JSON.parse(decoder.decode(value)) as Notification });
		return found;
	}

	async function done(name: string, seq: number): Promise<void> {
		cursors.set(name, Math.max(cursors.get(name) ?? 0, seq));
		const read = Math.min(...cursors.values());
		const changes: KeyChange[] = [cursorOf(name)];
		for (const [old, bytes] of held) {
			if (old > read) break;
			held.delete(old);
			heldBytes -= bytes;
			changes.push({ del: messageKey(old) });
		}
		await kv.write(changes, { sync: false });
	}

	return {
		add,
		lost: () => lost,
		reader: (name) => ({
			async next(max, { signal }) {
				for (;;) {
					const arrived = arrival.promise;
					const found = await take(name, max);
					if (found.length > 0) return found;
					await orLeft(arrived, signal);
				}
			},
			done: (seq) => done(name, seq),
		}),
		async [Symbol.asyncDispose]() {
			writing ??= write();
			await writing;
		},
	};
}

async function sizesOf(kv: KeyValue): Promise<Map<number, number>> {
	const sizes = new Map<number, number>();
	for await (const [key, value] of kv.sub(MESSAGES).entries({})) sizes.set(seqOf(MESSAGES + key), value.length);
	return sizes;
}

async function cursorsOf(kv: KeyValue): Promise<Map<string, number>> {
	const cursors = new Map<string, number>();
	for await (const [name, value] of kv.sub(CURSORS).entries({})) cursors.set(name, Number(decoder.decode(value)));
	return cursors;
}
