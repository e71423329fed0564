/**
 * Each peer's account: who sent wrong bytes is avoided for long, who merely failed for moments, and who lacks a content
 * is not asked for it again at once. Nothing here closes a connection: a peer that lies about blocks may still bring logs.
 */
import type { Limits } from './limits.ts';

export interface Conduct {
	/** Wrong bytes or broken protocol. */
	charge(peer: string): void;
	/** Lost, slow or full. */
	coolDown(peer: string): void;
	/** It was asked for this content and has none of it. */
	lacks(peer: string, root: string): void;
	isAvoided(peer: string, root: string): boolean;
	/** Something new was announced: peers may hold what they lacked. */
	forgetLacks(): void;
	stop(): void;
}

export interface ConductOptions {
	readonly limits: Pick<Limits, 'penaltyMs' | 'maxPenaltyMs' | 'coolDownMs'>;
	readonly now: () => number;
	/** Somebody may be asked again. */
	readonly onRelease: () => void;
}

export function createConduct({ limits, now, onRelease }: ConductOptions): Conduct {
	const charges = new Map<string, { count: number; until: number }>();
	const cooling = new Map<string, number>();
	const lacking = new Map<string, number>();
	const timers = new Set<NodeJS.Timeout>();

	/** One timer for each pause; the longest (a day) is well within what a timer can count. */
	function releaseAfter(ms: number): void {
		const timer = setTimeout(() => {
			timers.delete(timer);
			sweep();
			onRelease();
		}, ms + 1).unref();
		timers.add(timer);
	}

	function sweep(): void {
		const at = now();
		for (const pauses of [cooling, lacking]) for (const [key, until] of pauses) if (until <= at) pauses.delete(key);
	}

	function pauseUntil(pauses: Map<string, number>, key: string): void {
		const known = pauses.has(key);
		pauses.set(key, now() + limits.coolDownMs);
		if (!known) releaseAfter(limits.coolDownMs);
	}

	return {
		charge(peer) {
			const count = (charges.get(peer)?.count ?? 0) + 1;
			const penalty = Math.min(limits.penaltyMs * 2 ** (count - 1), limits.maxPenaltyMs);
			charges.set(peer, { count, until: now() + penalty });
			releaseAfter(penalty);
		},
		coolDown: (peer) => pauseUntil(cooling, peer),
		lacks: (peer, root) => pauseUntil(lacking, `${peer} ${root}`),
		isAvoided: (peer, root) => {
			const at = now();
			return [charges.get(peer)?.until, cooling.get(peer), lacking.get(`${peer} ${root}`)].some((until) => (until ?? 0) > at);
		},
		forgetLacks: () => lacking.clear(),
		stop() {
			for (const timer of timers) clearTimeout(timer);
			timers.clear();
		},
	};
}
