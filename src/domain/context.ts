/** Who asks, through which door. Passed first, never ambient. */
export interface RequestContext {
	/** `req-<uuid>` */
	readonly requestId: string;
	readonly user: string | null;
	readonly project: string | null;
	/** lower case */
	readonly roles: readonly string[];
	readonly admin: boolean;
	readonly door: 'client' | 'task' | 'peer';
	readonly signal: AbortSignal;
}
