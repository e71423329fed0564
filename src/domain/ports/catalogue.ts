/**
 * The database abstraction layer as the domain sees it: records to read, ops to commit, changes to follow.
 * LevelDB and memory now, PostgreSQL later, behind one contract (test/contract/catalogue.test.ts).
 */
import type { ContentRef, Image, ImageId } from '../image.ts';
import type { NamespaceRecord, ResourceType } from '../metadef.ts';
import type { Op } from '../ops.ts';
import type { ImagePage, ImageQuery } from '../query.ts';
import type { Usage } from '../usage.ts';

export interface Catalogue {
	/** The live record; undefined for an id that was never created here, or deleted. */
	image(id: ImageId): Image | undefined;
	/** True for ids that exist or ever existed (tombstones): they may not be created again. */
	knows(id: ImageId): boolean;
	/**
	 * What the images of a project cost it, at all sites that this node knows of; of null, images without owner. Exact
	 * with `image`: both show a commit in the same instant. The same object until an image of the project changes in
	 * what it costs.
	 */
	usage(project: string | null): Usage;
	/** `invalid` for a marker that is unknown or not in the viewer's sight. */
	images(query: ImageQuery): Promise<ImagePage>;
	/** Live images that have or stage this content, any site. */
	imagesOf(root: string): Promise<readonly Image[]>;
	/** Live images in a status, any site, by id. For recovery and background work, not for requests. */
	imagesIn(status: Image['status']): AsyncIterable<Image>;
	/** The live namespace of this name. */
	namespace(name: string): NamespaceRecord | undefined;
	/** All live namespaces, by name. */
	namespaces(): AsyncIterable<NamespaceRecord>;
	/** Every resource type that a namespace was ever associated with, the oldest first. */
	resourceTypes(): Promise<readonly ResourceType[]>;
	/** Nodes known from valid announcements, self included. */
	nodes(): readonly NodeRecord[];
	/**
	 * Appends ops to this node's log and folds them: one transaction, durable when it resolves.
	 * `expected` compares revisions just before the fold; a difference is `conflict` and nothing is written.
	 * An op that would have no effect by the fold's rules (another site's image, an id in use) is refused:
	 * `forbidden`, `conflict` or `not-found`.
	 */
	commit(ops: readonly Op[], options?: CommitOptions): Promise<void>;
	/** Called after each commit, own or received, with what it touched. Never throws into the writer. Returns the way to stop. */
	follow(listener: (change: CatalogueChange) => void): () => void;
}

export interface CommitOptions {
	readonly expected?: ReadonlyMap<ImageId, number>;
	/** by name */
	readonly expectedNamespaces?: ReadonlyMap<string, number>;
}

export interface NodeRecord {
	/** peer id, which is also the name of its log */
	readonly node: string;
	readonly site: string;
	readonly certificate: string;
	readonly addresses: readonly string[];
	/** this very node */
	readonly self: boolean;
}

export interface CatalogueChange {
	/** the log that was appended to, and whether it is this node's own */
	readonly log: string;
	readonly own: boolean;
	readonly images: readonly ImageId[];
	/** contents named by images that this change removed */
	readonly released: readonly ContentRef[];
	/** a node announced itself, or announced something new */
	readonly nodes: boolean;
}
