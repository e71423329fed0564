/**
 * Ops: the only way anything changes. A site appends ops to its own signed, hash-chained log; every record is a pure
 * fold of the logs (docs/peer-protocol.md §5). A new feature adds an op type, never a write path.
 *
 * Who may append what (checked by the fold, the same on every node; an op that breaks a rule has no effect):
 * `node.announce` speaks of its own log only; `image.create` makes the writer's site the owner; every other
 * `image.*` op counts only when the writer's site owns the image; `copy.*` speaks of the writer's own copies only,
 * of any image. Sharing has two keys: `member.add` and `member.remove` count from the owning site only, `member.status`
 * from any, so that the receiving project can accept wherever it is. `metadef.create` makes the writer's site the owner
 * of a namespace until it is deleted; every other `metadef.*` op counts only from the owning site.
 */
import type { DataFacts, ImageDraft, ImageId, ImageStatus, Settable, StagedData } from './image.ts';
import type { MemberStatus } from './member.ts';
import type { ItemDrafts, ItemKind, NamespaceFields } from './metadef.ts';
import type { StoreLocation } from './ports/stores.ts';

export type Op =
	| NodeAnnounce
	| ImageCreate
	| ImageUpdate
	| ImageSetStatus
	| ImageSetData
	| ImageStage
	| ImageSetLocations
	| ImageVouch
	| ImageDelete
	| CopyAdd
	| CopyDrop
	| MemberAdd
	| MemberSetStatus
	| MemberRemove
	| MetadefOp;

export type MetadefOp = MetadefCreate | MetadefUpdate | MetadefPut | MetadefDrop | MetadefDelete;

/** First op of every log, and again when addresses or certificate change: what binds a log to a site. */
export interface NodeAnnounce {
	readonly type: 'node.announce';
	/** compact JWS, see docs/peer-protocol.md §3 */
	readonly certificate: string;
	/** multiaddrs without the /p2p part */
	readonly addresses: readonly string[];
}

export interface ImageCreate {
	readonly type: 'image.create';
	readonly id: ImageId;
	/** all of them: defaults are filled in where the image is created, not where the log is read */
	readonly fields: Required<Omit<ImageDraft, 'id'>>;
}

/** Only what changed, key by key, so that a later merge rule can decide key by key. */
export interface ImageUpdate {
	readonly type: 'image.update';
	readonly id: ImageId;
	readonly set?: Settable;
	readonly setProperties?: Readonly<Record<string, string>>;
	readonly dropProperties?: readonly string[];
	readonly addTags?: readonly string[];
	readonly dropTags?: readonly string[];
}

export interface ImageSetStatus {
	readonly type: 'image.status';
	readonly id: ImageId;
	readonly status: ImageStatus;
}

/** Gives a saving (later: importing) image its bytes and makes it active. Write-once. */
export interface ImageSetData extends DataFacts {
	readonly type: 'image.data';
	readonly id: ImageId;
	readonly virtualSize: number | null;
}

/** Says which bytes an uploading or importing image has staged. They are let go when it is `queued` again. */
export interface ImageStage extends StagedData {
	readonly type: 'image.stage';
	readonly id: ImageId;
}

/** The places that clients gave for its bytes: all of them, in their order. Replaces those before. */
export interface ImageSetLocations {
	readonly type: 'image.locations';
	readonly id: ImageId;
	readonly locations: readonly StoreLocation[];
}

/**
 * What is said of bytes that lie at the image's places and that this fleet has not read: the store's word for the size, the
 * client's for the digests. A queued or importing image becomes active by it, if it has a place. `image.data` may follow
 * when they have been read, and must then agree.
 */
export interface ImageVouch {
	readonly type: 'image.vouch';
	readonly id: ImageId;
	/** bytes */
	readonly size: number;
	/** md5, hex */
	readonly checksum: string | null;
	readonly hashAlgorithm: string | null;
	/** hex */
	readonly hashValue: string | null;
}

/** Tombstone: the id is never used again. */
export interface ImageDelete {
	readonly type: 'image.delete';
	readonly id: ImageId;
}

export interface CopyAdd {
	readonly type: 'copy.add';
	readonly id: ImageId;
	readonly store: string;
	readonly kind: 'site' | 'backend';
	/** of a backend's object: where it is, as its store names the place */
	readonly url?: string;
	/** of a backend's object: what its location carries beside the store's id */
	readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface CopyDrop {
	readonly type: 'copy.drop';
	readonly id: ImageId;
	readonly store: string;
}

/** A new membership, `pending`. */
export interface MemberAdd {
	readonly type: 'member.add';
	readonly id: ImageId;
	/** project id */
	readonly member: string;
}

/** Of a membership that exists; from any status to any. */
export interface MemberSetStatus {
	readonly type: 'member.status';
	readonly id: ImageId;
	readonly member: string;
	readonly status: MemberStatus;
}

export interface MemberRemove {
	readonly type: 'member.remove';
	readonly id: ImageId;
	readonly member: string;
}

/** An empty namespace; a name may be used again once its namespace is deleted. */
export interface MetadefCreate {
	readonly type: 'metadef.create';
	/** its name */
	readonly id: string;
	readonly fields: NamespaceFields;
	/** UTC milliseconds: of the namespace that was renamed into this one */
	readonly createdAt?: number;
}

export interface MetadefUpdate {
	readonly type: 'metadef.update';
	readonly id: string;
	readonly set: Partial<NamespaceFields>;
}

/** Adds items of one kind, or replaces those that are there. All or none. */
export type MetadefPut = { readonly [K in ItemKind]: MetadefPutOf<K> }[ItemKind];

export interface MetadefPutOf<K extends ItemKind> {
	readonly type: 'metadef.put';
	readonly id: string;
	readonly kind: K;
	readonly items: readonly PutItem<K>[];
}

export interface PutItem<K extends ItemKind> {
	/** renames: the item that becomes this one */
	readonly was?: string;
	/** UTC milliseconds: of the same item in the namespace that was renamed */
	readonly createdAt?: number;
	readonly value: ItemDrafts[K];
}

/** Names that are not there are dropped already. */
export interface MetadefDrop {
	readonly type: 'metadef.drop';
	readonly id: string;
	readonly kind: ItemKind;
	readonly names: readonly string[];
}

/** With all that is in it. The resource types it was associated with stay known. */
export interface MetadefDelete {
	readonly type: 'metadef.delete';
	readonly id: string;
}
