/** One fetch session a content, shared by all who want it, kept a while after the last has gone. */
import { ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import { orAborted } from './abort.ts';
import { createFetchSession, type FetchSession } from './fetch-session.ts';
import { openFiller } from './filler.ts';
import { BLOCK_BYTES, MIN_BLOCK_BYTES } from './limits.ts';
import { isRoot } from './manifest.ts';
import { fetchManifest } from './manifests.ts';
import type { BlockSources, TransferLedger } from './ports.ts';
import { publishPartial } from './publish.ts';
import type { Room } from './room.ts';

export interface Sessions extends AsyncDisposable {
	/** A use of the content's session; the content is created here, partial, when its manifest has been found. */
	use(content: ContentRef, signal: AbortSignal): Promise<SessionUse>;
	/** Ends the content's session now if nobody uses it. */
	endIdle(root: string): Promise<void>;
	isUsed(root: string): boolean;
}

export interface SessionUse extends Disposable {
	readonly session: FetchSession;
}

interface Entry {
	users: number;
	failed: boolean;
	readonly opening: AbortController;
	readonly session: Promise<FetchSession>;
	timer: NodeJS.Timeout | undefined;
	ending: Promise<void> | undefined;
}

export function createSessions(room: Room, sources: BlockSources, ledger: TransferLedger, newName: () => string): Sessions {
	const entries = new Map<string, Entry>();
	let disposed = false;

	const openSession = async (content: ContentRef, signal: AbortSignal): Promise<FetchSession> => {
		assertFetchable(content, room.limits.maxContentBytes);
		if (room.index.record(content.root) === undefined) {
			const digests = await fetchManifest(content, sources, room.limits, signal);
			await publishPartial(room, newName(), content, digests);
		}
		room.disk.assertWritable();
		const held = await room.shelf.hold(content.root);
		if (held === undefined) throw new ImageError('unavailable', `content ${content.root} was removed while it was being opened`);
		try {
			assertSame(content, held.content.size);
			const filler = await openFiller(room, held.content);
			const session = createFetchSession(room, content, await held.content.digests(), filler, sources, ledger);
			return {
				...session,
				async [Symbol.asyncDispose]() {
					await session[Symbol.asyncDispose]();
					await filler[Symbol.asyncDispose]();
					await held[Symbol.asyncDispose]();
				},
			};
		} catch (error) {
			await held[Symbol.asyncDispose]();
			throw error;
		}
	};

	const end = (root: string, entry: Entry): Promise<void> => {
		clearTimeout(entry.timer);
		entry.opening.abort();
		entry.ending ??= entry.session
			.then((session) => session[Symbol.asyncDispose]())
			.catch(() => undefined)
			.finally(() => {
				if (entries.get(root) === entry) entries.delete(root);
			});
		return entry.ending;
	};

	const start = (content: ContentRef): Entry => {
		const opening = new AbortController();
		const session = openSession(content, opening.signal);
		const entry: Entry = { users: 0, failed: false, opening, session, timer: undefined, ending: undefined };
		const onFailure = (): void => {
			entry.failed = true;
		};
		session.then(({ filler }) => filler.onFailure(onFailure), onFailure);
		entries.set(content.root, entry);
		return entry;
	};

	const leave = (root: string, entry: Entry): void => {
		if (--entry.users > 0) return;
		if (entry.failed || disposed) return void end(root, entry);
		entry.timer = setTimeout(() => void end(root, entry), room.limits.sessionIdleMs).unref();
	};

	return {
		async use(content, signal) {
			if (disposed) throw new ImageError('aborted', 'the content store is closing');
			for (
				let old = entries.get(content.root);
				old !== undefined && (old.ending !== undefined || (old.failed && old.users === 0));
				old = entries.get(content.root)
			)
				await end(content.root, old);
			const entry = entries.get(content.root) ?? start(content);
			clearTimeout(entry.timer);
			entry.users++;
			let left = false;
			const dispose = (): void => {
				if (!left) leave(content.root, entry);
				left = true;
			};
			try {
				const session = await orAborted(entry.session, signal, 'the read');
				assertSame(content, session.filler.content.size);
				return { session, [Symbol.dispose]: dispose };
			} catch (error) {
				// Opening for nobody is of no use.
				if (entry.users === 1) entry.failed = true;
				dispose();
				throw error;
			}
		},
		isUsed: (root) => (entries.get(root)?.users ?? 0) > 0,
		async endIdle(root) {
			const entry = entries.get(root);
			if (entry !== undefined && entry.users === 0) await end(root, entry);
		},
		async [Symbol.asyncDispose]() {
			disposed = true;
			const closing = new ImageError('aborted', 'the content store is closing');
			await Promise.all(
				[...entries].map(async ([root, entry]) => {
					void entry.session.then(({ filler }) => filler.fail(closing)).catch(() => undefined);
					await end(root, entry);
				}),
			);
		},
	};
}

/** References come from other nodes' records: nothing of them is believed. */
function assertFetchable({ root, size, blockSize }: ContentRef, maxBytes: number): void {
	if (!isRoot(root)) throw new ImageError('invalid', 'a content reference has no valid root');
	if (!Number.isSafeInteger(size) || size < 0 || size > maxBytes)
		throw new ImageError('invalid', `content ${root} has a size that is not allowed here`);
	const powerOfTwo = Number.isSafeInteger(blockSize) && blockSize > 0 && Math.log2(blockSize) % 1 === 0;
	if (!powerOfTwo || blockSize < MIN_BLOCK_BYTES || blockSize > BLOCK_BYTES)
		throw new ImageError('invalid', `content ${root} has a block size that is not allowed here`);
}

export function assertSame({ root, size }: ContentRef, known: number): void {
	if (size !== known) throw new ImageError('invalid', `content ${root} has ${known} bytes here, not ${size}`);
}
