/** What the clients' door asks of the rest of the node, besides the domain. */
import type { LedgerRow } from '#content/ports.ts';
import type { ImageId } from '#domain/image.ts';

/** Can this node do its work? */
export interface Health {
	/** One entry for each thing the node must be able to do; never throws. */
	readiness(options: { readonly signal: AbortSignal }): Promise<readonly Capability[]>;
}

export interface Capability {
	/** catalogue, content, exchange, … */
	readonly name: string;
	readonly ready: boolean;
	/** the node does its work without it, if less of it; default false */
	readonly optional?: boolean;
	/** why not, safe to show */
	readonly detail?: string;
}

/** What an administrator may ask a running node. */
export interface AdminDesk {
	/** A one-time token with which a node of `site` may join. `forbidden` where the fleet's key is not; `invalid` for a bad name. */
	invite(site: string): Promise<string>;
	/** Facts about this node, as JSON. */
	node(): Promise<object>;
	/** Bytes moved so far by content, as the ledger counted them. */
	transfers(): Promise<readonly TransferRow[]>;
}

export interface TransferRow {
	/** images with this content that live now */
	readonly images: readonly string[];
	readonly root: string;
	readonly sources: readonly LedgerRow[];
}

/** Images that were deleted, and whose data are kept for a while. */
export interface DeletedImages {
	list(): AsyncIterable<DeletedImage>;
	/** Active again. `not-found` when it is gone, `conflict` when it was not deleted. */
	restore(id: ImageId): Promise<void>;
}

export interface DeletedImage {
	readonly id: ImageId;
	readonly name: string | null;
	/** project id */
	readonly owner: string | null;
	/** bytes */
	readonly size: number | null;
	/** ISO 8601 */
	readonly deleted_at: string;
}
