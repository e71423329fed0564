/** What the catalogue needs from the fleet, and what its Registry layer offers to the peers' door. */

/** Signs entries of this node's own log. The log's name is the node's peer id. */
export interface LogSigner {
	readonly log: string;
	sign(bytes: Uint8Array): Uint8Array;
}

export interface LogTrust {
	/** Is this an ed25519 signature of the node that `log` names? */
	verify(log: string, bytes: Uint8Array, signature: Uint8Array): boolean;
	/** The site that the fleet's key certifies for this node; undefined when the certificate is not valid for it. */
	siteOf(log: string, certificate: string): string | undefined;
}

/** How far each log is held: log → last sequence number (first is 1). */
export type LogVector = ReadonlyMap<string, number>;

/**
 * The Registry layer's side towards peers. Entries are opaque, self-certifying bytes: any node may relay any log.
 * `exchange/protocols/records` moves them; nothing else of the catalogue is visible to it.
 */
export interface LogFeed {
	vector(): LogVector;
	/**
	 * Entries that a holder of `have` lacks, log by log in order, at most about `maxBytes` (at least one entry if any).
	 * A log never begins in the middle: entries of one log are consecutive from have+1.
	 */
	missing(have: LogVector, maxBytes: number): Promise<readonly Uint8Array[]>;
	/**
	 * Verifies, appends and folds. Entries already held are skipped; an entry that does not follow its log's head is
	 * ignored (`gaps`); a bad signature, chain or encoding is refused with `corrupt` and nothing of the batch after it
	 * is taken. Durable when it resolves.
	 */
	receive(entries: readonly Uint8Array[]): Promise<{ readonly accepted: number; readonly gaps: number }>;
	/** Called when any log has grown. Returns the way to stop. */
	onGrowth(listener: () => void): () => void;
}
