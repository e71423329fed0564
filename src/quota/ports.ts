import type { UnifiedResource } from '#domain/ports/quota.ts';

/** Limits that are kept elsewhere for all services. */
export interface UnifiedLimits {
	/**
	 * Those of a project, or the ones that hold for who has none, as they are now: never older than the call. In the
	 * units they are given in; -1 is none, 0 for a resource that nobody has set a limit for.
	 * `unavailable` when they cannot be had. What `signal` says ends the wait.
	 */
	of(project: string | null, options: { readonly signal: AbortSignal }): Promise<Readonly<Record<UnifiedResource, number>>>;
}
