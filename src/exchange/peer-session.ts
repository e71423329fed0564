/**
 * A session with a peer about one content, kept for as long as its reader likes; the conversations under it are few and
 * lent in turn. One that nobody fetches through is ended when another content waits, and the next fetch begins another.
 */
import type { BlockSession } from '#content/ports.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import { orLeft } from '#lib/or-left.ts';
import type { Limits } from './limits.ts';
import type { Conversation } from './protocols/blocks/client.ts';
import type { Turn } from './turns.ts';

/** A conversation in its turn. */
export interface Talk {
	readonly conversation: Conversation;
	readonly turn: Turn;
}

export interface TalkOptions {
	/** of the wait and the opening */
	readonly signal: AbortSignal;
	/** Somebody else waits for a turn. */
	readonly onWanted: () => void;
}

export interface PeerSessionOptions {
	readonly talk: (options: TalkOptions) => Promise<Talk>;
	readonly limits: Pick<Limits, 'blockDepth' | 'blockTurnMs'>;
	/** of the opening only */
	readonly signal: AbortSignal;
}

/** One conversation of the session, from its place in line to its end. */
interface Stay {
	readonly opened: Promise<Conversation>;
	talk: (Talk & { readonly since: number }) | undefined;
	/** under way in it, or waiting for it to open */
	fetches: number;
}

/** Fails as the first conversation does. */
export async function openPeerSession(options: PeerSessionOptions): Promise<BlockSession> {
	const { limits, signal } = options;
	const closed = new AbortController();
	const stays = new Set<Stay>();
	let current: Stay | undefined;

	function begin(open: (stay: Stay) => Promise<Conversation>): Stay {
		const { promise, resolve } = Promise.withResolvers<Conversation>();
		const stay: Stay = { opened: promise, talk: undefined, fetches: 0 };
		stays.add(stay);
		resolve(open(stay));
		promise.catch(() => stays.delete(stay));
		return stay;
	}

	async function open(stay: Stay, until: AbortSignal): Promise<Conversation> {
		const talk = await options.talk({ onWanted: () => endIfSpare(stay), signal: until });
		stay.talk = { ...talk, since: performance.now() };
		if (closed.signal.aborted) await talk.conversation[Symbol.asyncDispose]();
		// whoever has waited for it comes first
		setImmediate(() => endIfSpare(stay));
		return talk.conversation;
	}

	/** What a peer had a moment ago and does not give any more is its failure, not that of one block. */
	async function reopen(stay: Stay): Promise<Conversation> {
		try {
			return await open(stay, closed.signal);
		} catch (cause) {
			if (codeOf(cause) !== 'not-found') throw cause;
			throw new ImageError('unavailable', 'the peer has nothing of the content any more', { cause });
		}
	}

	/** A conversation that failed stays: the session is of no more use then. */
	function endIfSpare(stay: Stay): void {
		if (stay.talk === undefined || stay.fetches > 0 || !stays.has(stay)) return;
		const { conversation, turn } = stay.talk;
		if (!conversation.alive || (stay === current && !turn.isWanted())) return;
		turn.ending();
		stays.delete(stay);
		if (stay === current) current = undefined;
		void conversation[Symbol.asyncDispose]();
	}

	/** One that has had its time while others wait takes no more fetches, and ends with those it has. */
	function isOver({ talk }: Stay): boolean {
		if (talk === undefined || !talk.conversation.alive) return false;
		return performance.now() - talk.since >= limits.blockTurnMs && talk.turn.isWanted();
	}

	function stayForMore(): Stay {
		if (current !== undefined && !isOver(current)) return current;
		const old = current;
		old?.talk?.turn.ending();
		current = begin(reopen);
		if (old !== undefined) endIfSpare(old);
		return current;
	}

	current = begin((stay) => open(stay, AbortSignal.any([signal, closed.signal])));
	await current.opened;

	return {
		depth: limits.blockDepth,
		async fetch(index, into, { signal: wanted }) {
			const stay = stayForMore();
			stay.fetches++;
			try {
				const conversation = stay.talk?.conversation ?? (await orGivenUp(stay.opened, wanted));
				await conversation.fetch(index, into, { signal: wanted });
			} finally {
				stay.fetches--;
				endIfSpare(stay);
			}
		},
		async [Symbol.asyncDispose]() {
			closed.abort(new ImageError('aborted', 'the session was closed'));
			await Promise.all([...stays].map(({ talk }) => talk?.conversation[Symbol.asyncDispose]()));
		},
	};
}

function orGivenUp<T>(opening: Promise<T>, signal: AbortSignal): Promise<T> {
	return orLeft(opening, signal).catch((error: unknown) => {
		if (!signal.aborted) throw error;
		throw new ImageError('aborted', 'the fetch was aborted', { cause: signal.reason });
	});
}
