/** The connected members seen as sources of blocks: who announced a copy first, then whoever else might have some. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Connection } from '@libp2p/interface';
import type { BlockSource, BlockSources } from '#content/ports.ts';
import { codeOf, type ErrorCode, ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import type { Log } from '#lib/log.ts';
import type { Conduct } from './conduct.ts';
import type { Standing } from './gate.ts';
import type { Limits } from './limits.ts';
import { openPeerSession, type Talk, type TalkOptions } from './peer-session.ts';
import { type Conversation, openConversation } from './protocols/blocks/client.ts';
import { createTurns, type Turns } from './turns.ts';

/** A peer that says it has conversations enough is asked again after these pauses before that is a failure. */
const BUSY_PAUSES_MS = [50, 100, 200, 400, 800];

export interface SourcesOptions {
	readonly site: string;
	/** members that are connected and greeted */
	readonly members: () => readonly Standing[];
	readonly connectionTo: (peer: string) => Connection | undefined;
	/** peer ids that announced a full copy */
	readonly holders: (root: string) => readonly string[];
	readonly conduct: Conduct;
	readonly limits: Pick<Limits, 'openTimeoutMs' | 'blockSilenceMs' | 'blockDepth' | 'blockTurnMs' | 'maxBlockStreams'>;
	readonly log: Log;
}

export interface PeerSources extends BlockSources {
	/** Tells listeners that asking again may give more. */
	changed(): void;
}

export function createSources(options: SourcesOptions): PeerSources {
	const { site, members, connectionTo, holders, conduct, limits, log } = options;
	const listeners = new Set<() => void>();
	const turns = new Map<string, Turns>();

	function turnsOf(peer: string): Turns {
		const known = turns.get(peer) ?? createTurns(limits.maxBlockStreams);
		turns.set(peer, known);
		return known;
	}

	function changed(): void {
		for (const listener of [...listeners]) listener();
	}

	/** Faults of the conversation land on the peer's account; what the caller did (aborting) does not. */
	function account(peer: string, root: string, failure: unknown): void {
		const code = codeOf(failure);
		if (code !== undefined) ACCOUNTS[code]?.(conduct, peer, root);
		if (code === 'corrupt') log.warn({ peer, root, reason: (failure as ImageError).message }, 'a source broke the protocol');
	}

	async function openOnce(peer: string, content: ContentRef, signal: AbortSignal): Promise<Conversation> {
		const connection = connectionTo(peer);
		if (connection === undefined) throw new ImageError('unavailable', `peer ${peer} is not connected`);
		const onFailure = (failure: ImageError): void => account(peer, content.root, failure);
		return openConversation(connection, content, { limits, signal, onFailure });
	}

	/** The peer may still count a conversation that has just ended here: being busy is not yet a failure. */
	async function converse(peer: string, content: ContentRef, signal: AbortSignal): Promise<Conversation> {
		for (let refusals = 0; ; refusals++) {
			try {
				return await openOnce(peer, content, signal);
			} catch (failure) {
				const pauseMs = codeOf(failure) === 'limit-exceeded' ? BUSY_PAUSES_MS[refusals] : undefined;
				if (pauseMs === undefined || signal.aborted) {
					if (!signal.aborted) account(peer, content.root, failure);
					throw failure;
				}
				await pause(pauseMs, undefined, { signal }).catch(() => Promise.reject(failure));
			}
		}
	}

	/** The turn lasts as long as the conversation. */
	async function talk(peer: string, content: ContentRef, { signal, onWanted }: TalkOptions): Promise<Talk> {
		const turn = await turnsOf(peer).take({ onWanted, signal });
		try {
			const conversation = await converse(peer, content, signal);
			void conversation.gone.then(turn.giveBack);
			return { conversation, turn };
		} catch (error) {
			turn.giveBack();
			throw error;
		}
	}

	function sourceOf(peer: string): BlockSource {
		return {
			name: peer,
			kind: 'peer',
			async manifest(content, { signal }) {
				await using conversation = (await talk(peer, content, { signal, onWanted: () => {} })).conversation;
				return await conversation.digests({ signal });
			},
			open: (content, { signal }) => openPeerSession({ talk: (options) => talk(peer, content, options), limits, signal }),
		};
	}

	return {
		find({ root }) {
			const announced = new Set(holders(root));
			const distance = (member: Standing): number => (announced.has(member.node) ? 0 : 2) + (member.site === site ? 0 : 1);
			return members()
				.filter(({ node }) => !conduct.isAvoided(node, root))
				.toSorted((a, b) => distance(a) - distance(b))
				.map(({ node }) => sourceOf(node));
		},
		onChange(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		reportBad(name, content, index) {
			log.warn({ peer: name, root: content.root, block: index }, 'a source gave bytes that do not match');
			conduct.charge(name);
		},
		changed,
	};
}

type Account = (conduct: Conduct, peer: string, root: string) => void;
const failed: Account = (conduct, peer) => conduct.coolDown(peer);
const empty: Account = (conduct, peer, root) => conduct.lacks(peer, root);

/** Which failures count, and as what. */
const ACCOUNTS: Readonly<Partial<Record<ErrorCode, Account>>> = {
	corrupt: (conduct, peer) => conduct.charge(peer),
	'not-found': empty,
	forbidden: empty,
	invalid: failed,
	unavailable: failed,
	timeout: failed,
	'limit-exceeded': failed,
};
