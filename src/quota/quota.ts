/**
 * Quota: how much a project may have. Limits come from the configuration and, where asked for, from Keystone; what is
 * used comes from the catalogue; what is promised is kept in the ledger. This room decides whether one more fits. It
 * knows nothing of streams, records or requests. docs/decisions/0011-reserved-and-committed-in-one-step.md
 */
import { ImageError } from '#domain/errors.ts';
import {
	type Claim,
	type Quota,
	type QuotaLimits,
	type Reservation,
	UNIFIED_RESOURCES,
	type UsageReport,
} from '#domain/ports/quota.ts';
import type { Usage } from '#domain/usage.ts';
import { type Counted, createLedger, type Hold } from './ledger.ts';
import { type Limit, refusal, reported, staticLimits, unifiedLimits } from './limit.ts';
import type { UnifiedLimits } from './ports.ts';
import { PURPOSES } from './purposes.ts';

export interface QuotaParts {
	readonly catalogue: Counted;
	readonly limits: QuotaLimits;
	/** absent: only the configured limits hold */
	readonly unified?: UnifiedLimits;
	/**
	 * `one`: as Glance, an upload of undeclared size may pass `image_size_total` when the project is within it as the
	 * upload begins; one upload of a project at a time. Default `none`.
	 */
	readonly overshoot?: 'none' | 'one';
}

export interface CountingQuota extends Quota {
	/** what is held for requests under way, beyond what is used */
	reserved(owner: string | null): Usage;
}

export function createQuota({ catalogue, limits, unified, overshoot = 'none' }: QuotaParts): CountingQuota {
	const ledger = createLedger(catalogue);
	const configured = staticLimits(limits);

	async function limitsOf(owner: string | null, signal: AbortSignal): Promise<readonly Limit[]> {
		if (unified === undefined) return configured;
		return [...configured, ...unifiedLimits(await unified.of(owner, { signal }), overshoot)];
	}

	return {
		limits,
		async reserve(ctx, claim) {
			if (unified === undefined && configured.length === 0) return UNLIMITED;
			const all = await limitsOf(claim.owner, ctx.signal);
			// From here to the end nobody waits: nobody comes between the look and the taking.
			const { asked } = PURPOSES[claim.purpose];
			const mine = all.filter(({ resource }) => asked.includes(resource));
			return reservation(ledger.open(claim.image, claim.owner), claim, mine);
		},
		async report(ctx) {
			if (unified === undefined) return undefined;
			if (ctx.project === null && !ctx.admin) throw new ImageError('forbidden', 'usage is that of a project, and you have none');
			const of = await unified.of(ctx.project, { signal: ctx.signal });
			const usage = catalogue.usage(ctx.project);
			const rows = UNIFIED_RESOURCES.map((name) => [name, { usage: reported(name, usage), limit: of[name] }]);
			return Object.fromEntries(rows) as UsageReport;
		},
		reserved: ledger.outstanding,
	};
}

/** The hold with what the claim takes, or no hold. */
function reservation(hold: Hold, claim: Claim, limits: readonly Limit[]): Reservation {
	const { owner, bytes } = claim;
	const { taking, code } = PURPOSES[claim.purpose];
	const undeclared = bytes === undefined;
	let carried = bytes ?? 0;

	function takeWithin(taken: Usage, fits: (limit: Limit, standing: Usage) => boolean): void {
		const standing = hold.standingWith(taken);
		for (const limit of limits) if (!fits(limit, standing)) throw new ImageError(code, refusal(limit, owner, standing));
		hold.take(taken);
	}

	try {
		takeWithin(taking(carried), undeclared ? isWithinUnit : isWithin);
	} catch (error) {
		hold[Symbol.dispose]();
		throw error;
	}
	return {
		grow(more) {
			const fits = (limit: Limit, standing: Usage) => isWithin(limit, standing) || (undeclared && limit.passable && hold.pass());
			takeWithin(taking(carried + more), fits);
			carried += more;
		},
		[Symbol.dispose]: () => hold[Symbol.dispose](),
	};
}

function isWithin({ resource, max }: Limit, standing: Usage): boolean {
	return standing[resource] <= max;
}

/** A limit that may be passed is looked at as Glance looks at it, in whole units: the one that has begun does not count. */
function isWithinUnit(limit: Limit, standing: Usage): boolean {
	return isWithin(limit, standing) || (limit.passable && standing[limit.resource] < limit.max + limit.unit);
}

const UNLIMITED: Reservation = { grow() {}, [Symbol.dispose]() {} };
