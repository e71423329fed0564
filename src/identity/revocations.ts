import { createHash } from 'node:crypto';
import type { Keystone } from '#keystone/ports.ts';
import type { Log } from '#lib/log.ts';
import { singleFlight } from '#lib/single-flight.ts';

export interface Revocations {
	/** Resolves when Keystone has been asked within the bound; what is new has been told to `onNews` by then. */
	lookedAt(signal: AbortSignal): Promise<void>;
}

export interface RevocationsOptions {
	readonly keystone: Keystone;
	/** how old the last look may be */
	readonly withinMs: number;
	readonly clock: () => number;
	readonly log: Log;
	readonly onNews: () => void;
}

/** Events of so long ago are looked at again each time: Keystone's clock may differ from ours by nearly as much. */
const LOOK_BACK_MS = 10 * 60_000;

/**
 * Keystone's list of revocations (OS-REVOKE), asked for when somebody needs it and no more often than the bound says.
 * Which tokens an event means is not worked out here: any news is a reason to ask again about all of them. Where the
 * list is not to be had, only the age of an answer limits how long a revoked token is believed.
 */
export function createRevocations({ keystone, withinMs, clock, log, onNews }: RevocationsOptions): Revocations {
	let lookedAt = Number.NEGATIVE_INFINITY;
	let known: ReadonlySet<string> = new Set();
	let told = false;
	const flight = singleFlight<void>();

	async function look(): Promise<void> {
		const started = clock();
		try {
			const events = await recentEvents(keystone, new Date(started - LOOK_BACK_MS));
			const news = events.some((event) => !known.has(event));
			known = new Set(events);
			if (news) onNews();
			told = false;
		} catch (error) {
			if (!told) log.warn({ err: error }, 'revocations cannot be read: a revoked token is believed until its cached answer ends');
			told = true;
		}
		lookedAt = started;
	}

	return {
		async lookedAt(signal) {
			if (clock() - lookedAt >= withinMs) await flight('look', signal, look);
		},
	};
}

async function recentEvents(keystone: Keystone, since: Date): Promise<readonly string[]> {
	const query = { since: since.toISOString() };
	const signal = new AbortController().signal;
	const { status, body } = await keystone.ask({ method: 'GET', path: '/OS-REVOKE/events', query, signal });
	const events = (body as { readonly events?: unknown } | undefined)?.events;
	if (status !== 200 || !Array.isArray(events)) throw new Error(`keystone answered with status ${status}`);
	return events.map((event) => createHash('sha256').update(JSON.stringify(event)).digest('base64'));
}
