/**
 * The members this node speaks with right now: their connections, whether hello is done on both sides, and one log
 * subscription each for as long as any connection lives.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Connection } from '@libp2p/interface';
import type { LogFeed } from '#catalogue/ports.ts';
import { ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import type { Conduct } from './conduct.ts';
import { failureOf } from './failures.ts';
import type { Standing } from './gate.ts';
import type { Limits } from './limits.ts';
import { subscribe } from './protocols/records/client.ts';

export interface Company {
	/** A connection has opened, proved or not. */
	arrived(connection: Connection): void;
	departed(connection: Connection): void;
	/** Both sides have proved membership on this connection. */
	greeted(standing: Standing, connection: Connection): void;
	isGreeted(peer: string): boolean;
	count(): number;
	/** The least busy open connection. */
	connectionTo(peer: string): Connection | undefined;
	connections(): readonly Connection[];
	dismiss(peer: string, reason: ImageError): void;
	/** Resolves when no subscription is running any more. */
	disband(): Promise<void>;
}

export interface CompanyOptions {
	readonly feed: LogFeed;
	readonly conduct: Conduct;
	readonly limits: Limits;
	readonly log: Log;
	readonly onGreeted: (peer: string) => void;
	/** The last connection of a peer is gone. */
	readonly onGone: (peer: string) => void;
}

interface Companion {
	readonly connections: Set<Connection>;
	readonly gone: AbortController;
	/** settles after `gone`; undefined until greeted */
	subscription: Promise<void> | undefined;
}

export function createCompany({ feed, conduct, limits, log, onGreeted, onGone }: CompanyOptions): Company {
	const companions = new Map<string, Companion>();
	const subscriptions = new Set<Promise<void>>();

	function arrived(connection: Connection): Companion {
		const peer = connection.remotePeer.toString();
		let companion = companions.get(peer);
		if (companion === undefined) {
			companion = { connections: new Set(), gone: new AbortController(), subscription: undefined };
			companions.set(peer, companion);
		}
		companion.connections.add(connection);
		return companion;
	}

	function connectionTo(peer: string): Connection | undefined {
		const open = [...(companions.get(peer)?.connections ?? [])].filter(({ status }) => status === 'open');
		return open.toSorted((a, b) => a.streams.length - b.streams.length)[0];
	}

	/** Subscribes until the peer is gone, with a longer pause after each failure and a long one after bad entries. */
	async function follow(peer: string, gone: AbortSignal): Promise<void> {
		let failures = 0;
		let charges = 0;
		while (!gone.aborted) {
			const started = performance.now();
			const failure = await subscribeOnce(peer, gone);
			if (gone.aborted) return;
			if (performance.now() - started > limits.redialMaxMs) failures = 0;
			const corrupt = failure.code === 'corrupt';
			const pauseMs = corrupt
				? Math.min(limits.penaltyMs * 2 ** charges++, limits.maxPenaltyMs)
				: Math.min(limits.redialMinMs * 2 ** failures++, limits.redialMaxMs);
			log.info({ peer, code: failure.code, reason: failure.message, pauseMs }, 'a log subscription ended');
			if (corrupt) conduct.charge(peer);
			await pause(pauseMs, undefined, { signal: gone, ref: false }).catch(() => {});
		}
	}

	async function subscribeOnce(peer: string, gone: AbortSignal): Promise<ImageError> {
		const connection = connectionTo(peer);
		try {
			if (connection === undefined) throw new ImageError('unavailable', 'the peer has no open connection');
			return await subscribe(connection, { feed, limits, signal: gone });
		} catch (error) {
			const failure = failureOf(error, 'the log subscription');
			// the beat has stopped: the way is dead although TCP has not noticed
			if (failure.code === 'timeout') connection?.abort(failure);
			return failure;
		}
	}

	return {
		arrived,
		departed(connection) {
			const peer = connection.remotePeer.toString();
			const companion = companions.get(peer);
			companion?.connections.delete(connection);
			if (companion === undefined || companion.connections.size > 0) return;
			companions.delete(peer);
			companion.gone.abort();
			onGone(peer);
		},
		greeted({ node }, connection) {
			if (connection.status !== 'open') return;
			const companion = arrived(connection);
			if (companion.subscription !== undefined) return;
			const subscription = follow(node, companion.gone.signal).finally(() => subscriptions.delete(subscription));
			companion.subscription = subscription;
			subscriptions.add(subscription);
			onGreeted(node);
		},
		isGreeted: (peer) => companions.get(peer)?.subscription !== undefined,
		count: () => companions.size,
		connectionTo,
		connections: () => [...companions.values()].flatMap(({ connections }) => [...connections]),
		dismiss(peer, reason) {
			for (const connection of companions.get(peer)?.connections ?? []) connection.abort(reason);
		},
		async disband() {
			for (const { gone } of companions.values()) gone.abort();
			await Promise.all(subscriptions);
		},
	};
}
