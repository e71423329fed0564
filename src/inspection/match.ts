import type { Danger, FormatMatch } from '#domain/ports/inspection.ts';

export function matched(format: FormatMatch['format'], virtualSize: number | null, dangers: readonly Danger[] = []): FormatMatch {
	return { format, virtualSize, dangers };
}

export function danger(check: string, why: string): Danger {
	return { check, why };
}

/** A header that contradicts itself, ends too soon or asks for what nobody should need. */
export function damage(why: string): Danger {
	return danger('structure', why);
}

/** The dangers of those claims that do not hold. */
export function unmet(claims: readonly (readonly [holds: boolean, otherwise: Danger])[]): readonly Danger[] {
	return claims.filter(([holds]) => !holds).map(([, otherwise]) => otherwise);
}
