/**
 * The fold of one image's ops: pure, and the same on every node.
 *
 * Ops of an image take effect in the order of (hlc, log), whatever order they arrive in, so the record is a function
 * of the set of ops held. Copies stand apart: each node speaks of its own only, so theirs commute with everything.
 * Only the site that owns an image changes it, but for one thing: any site may say what a member answered.
 * An op that breaks a rule has no effect and the fold says why; a writer refuses its own op for that reason.
 */
import { type ErrorCode, ImageError } from '#domain/errors.ts';
import { assertFollows, type Copy, follows, type Image, type ImageStatus } from '#domain/image.ts';
import { IMPORT_TASK } from '#domain/import-request.ts';
import type {
	CopyAdd,
	ImageCreate,
	ImageSetData,
	ImageSetLocations,
	ImageSetStatus,
	ImageStage,
	ImageUpdate,
	ImageVouch,
	MetadefOp,
	Op,
} from '#domain/ops.ts';
import { compareUtf8 } from '#lib/utf8-order.ts';
import { isMemberOp, withMembers } from './image-members.ts';
import { updated } from './image-update.ts';
import type { Folded, Writer } from './record-kind.ts';

export type ImageOp = Exclude<Op, MetadefOp | { readonly type: 'node.announce' }>;

export interface ImageState {
	/** the live record; its `copies` are those below */
	readonly image?: Image;
	/** deleted: the id is never used again */
	readonly tombstone: boolean;
	/** sorted by store, then node; kept from before the create until each is dropped by who added it */
	readonly copies: readonly Copy[];
	/** effective changes seen on this node; only grows, also across deletion, and differs between nodes */
	readonly revision: number;
}

export const NO_IMAGE: ImageState = { tombstone: false, copies: [], revision: 0 };

/** Stores that one node may claim for one image. */
const COPIES_PER_NODE_MAX = 64;

export function foldImage(state: ImageState, writer: Writer, op: ImageOp): Folded<ImageState> {
	switch (op.type) {
		case 'copy.add':
			return withCopy(state, copyOf(op, writer.log));
		case 'copy.drop':
			return {
				state: withCopies(
					state,
					state.copies.filter((copy) => !isCopy(copy, op.store, writer.log)),
				),
			};
		case 'image.create':
			return create(state, writer, op);
		default:
			return change(state, writer, op);
	}
}

function create(state: ImageState, writer: Writer, op: ImageCreate): Folded<ImageState> {
	if (state.image || state.tombstone) return none(state, 'conflict', `image id ${op.id} is in use`);
	const { tags, properties, ...fields } = op.fields;
	const image: Image = {
		id: op.id,
		...fields,
		status: 'queued',
		tags: [...new Set(tags)],
		properties: { ...properties },
		size: null,
		virtualSize: null,
		checksum: null,
		hashAlgorithm: null,
		hashValue: null,
		createdAt: writer.at,
		updatedAt: writer.at,
		content: null,
		locations: [],
		staged: null,
		worker: null,
		site: writer.site,
		copies: state.copies,
		members: [],
		revision: state.revision + 1,
	};
	return { state: { ...state, image, revision: image.revision } };
}

/** May a site that does not own the image have a say in it by this op? */
export function countsFromAnySite(op: ImageOp): boolean {
	return op.type === 'image.create' || op.type === 'member.status';
}

type ChangeOp = Exclude<ImageOp, { type: 'image.create' | `copy.${string}` }>;

function change(state: ImageState, writer: Writer, op: ChangeOp): Folded<ImageState> {
	const { image } = state;
	if (!image) return none(state, 'not-found', `image ${op.id} does not exist`);
	if (image.site !== writer.site && !countsFromAnySite(op))
		return none(state, 'forbidden', `image ${op.id} belongs to site ${image.site}; change it there`);
	try {
		if (op.type === 'image.delete') {
			const { image: _, ...rest } = state;
			return { state: { ...rest, tombstone: true, revision: state.revision + 1 } };
		}
		const next = { ...changed(image, op, writer), revision: state.revision + 1 };
		return { state: { ...state, image: next, revision: next.revision } };
	} catch (error) {
		if (error instanceof ImageError) return { state, refusal: error };
		throw error;
	}
}

const WORKED_ON: ReadonlySet<ImageStatus> = new Set(['saving', 'uploading', 'importing']);

/** Sharing an image is no change of the image itself: its `updatedAt` stays, as in Glance. */
function changed(image: Image, op: Exclude<ChangeOp, { type: 'image.delete' }>, { at, log }: Writer): Image {
	if (isMemberOp(op)) return withMembers(image, op, at);
	if (op.type === 'image.update') return { ...updated(image, op), worker: workerAfter(image, op, log), updatedAt: at };
	if (op.type === 'image.status')
		return { ...withStatus(image, op), worker: WORKED_ON.has(op.status) ? log : holder(image), updatedAt: at };
	if (op.type === 'image.stage') return { ...withStaged(image, op), updatedAt: at };
	if (op.type === 'image.locations') return { ...withLocations(image, op), updatedAt: at };
	if (op.type === 'image.vouch') return { ...withWord(image, op), worker: holder(image), updatedAt: at };
	return { ...withData(image, op), worker: holder(image), updatedAt: at };
}

/** The node whose import holds the image. */
function holder({ properties, worker }: Image): string | null {
	return Object.hasOwn(properties, IMPORT_TASK) ? worker : null;
}

function workerAfter({ status, worker }: Image, { setProperties, dropProperties }: ImageUpdate, log: string): string | null {
	if (setProperties !== undefined && Object.hasOwn(setProperties, IMPORT_TASK)) return log;
	return dropProperties?.includes(IMPORT_TASK) && !WORKED_ON.has(status) ? null : worker;
}

/** Without data an image becomes active by `image.data` alone, and it is deleted by `image.delete` alone. */
function withStatus(image: Image, { status }: ImageSetStatus): Image {
	assertFollows(image.status, status);
	if (status === 'active' && image.content === null && image.locations.length === 0)
		throw new ImageError('conflict', `image ${image.id} has no data and cannot become active`);
	if (status === 'deleted') throw new ImageError('conflict', `image ${image.id} can only be deleted as a whole`);
	if (status === 'queued') return { ...image, ...NO_DATA, status };
	return { ...image, status };
}

/** What a queued image does not have. */
const NO_DATA = {
	staged: null,
	size: null,
	virtualSize: null,
	checksum: null,
	hashAlgorithm: null,
	hashValue: null,
	locations: [],
};

function withData(image: Image, op: ImageSetData): Image {
	if (image.content !== null) throw new ImageError('conflict', `image ${image.id} has data already`);
	const { content, checksum, hashAlgorithm, hashValue, virtualSize } = op;
	const facts = { size: content.size, content, checksum, hashAlgorithm, hashValue, virtualSize };
	if (isAtPlacesAlone(image)) return { ...image, ...assertAgreeing(image, facts) };
	if (!follows(image.status, 'active'))
		throw new ImageError('conflict', `image ${image.id} is ${image.status} and cannot be given data`);
	return { ...image, ...facts, status: 'active', staged: null };
}

/** Active, and its bytes are where a client said: nobody here has read them yet. */
function isAtPlacesAlone({ status, locations }: Image): boolean {
	return (status === 'active' || status === 'deactivated') && locations.length > 0;
}

/** An active image never changes: what was read must be what was said. */
function assertAgreeing<T extends Pick<Image, 'size' | 'checksum' | 'hashAlgorithm' | 'hashValue'>>(image: Image, facts: T): T {
	const sameAlgorithm = image.hashAlgorithm === null || image.hashAlgorithm === facts.hashAlgorithm;
	const agrees = (key: 'size' | 'checksum' | 'hashValue') => image[key] === null || image[key] === facts[key];
	if (!agrees('size') || !agrees('checksum') || (sameAlgorithm && !agrees('hashValue')))
		throw new ImageError('conflict', `the bytes of image ${image.id} are not those that were announced`);
	return facts;
}

/** An image that has no other bytes keeps at least one place while it is active. */
function withLocations(image: Image, { locations }: ImageSetLocations): Image {
	const hasOthers = image.content !== null || !(image.status === 'active' || image.status === 'deactivated');
	if (locations.length === 0 && !hasOthers)
		throw new ImageError('conflict', `image ${image.id} would lose the last place of its bytes`);
	return { ...image, locations };
}

function withWord(image: Image, { size, checksum, hashAlgorithm, hashValue }: ImageVouch): Image {
	if (image.content !== null || image.locations.length === 0)
		throw new ImageError('conflict', `image ${image.id} is not one whose bytes lie at a given place alone`);
	const facts = { size, checksum, hashAlgorithm, hashValue };
	if (isAtPlacesAlone(image)) return { ...image, ...assertAgreeing(image, facts) };
	assertFollows(image.status, 'active');
	return { ...image, ...facts, status: 'active', staged: null };
}

function copyOf({ store, kind, url, metadata }: CopyAdd, node: string): Copy {
	return { store, node, kind, ...(url !== undefined && { url }), ...(metadata && { metadata }) };
}

/** An import may stage other bytes than those it began with: converted, decompressed. */
function withStaged(image: Image, { type: _, id: __, ...staged }: ImageStage): Image {
	if (image.status !== 'importing' && (image.status !== 'uploading' || image.staged !== null))
		throw new ImageError('conflict', `image ${image.id} is ${image.status} and cannot be given staged data`);
	return { ...image, size: staged.content.size, staged };
}

function withCopy(state: ImageState, copy: Copy): Folded<ImageState> {
	const others = state.copies.filter((held) => !isCopy(held, copy.store, copy.node));
	if (others.filter((held) => held.node === copy.node).length >= COPIES_PER_NODE_MAX)
		return none(state, 'limit-exceeded', `a node can name at most ${COPIES_PER_NODE_MAX} stores of an image`);
	return { state: withCopies(state, [...others, copy].sort(byStoreThenNode)) };
}

function withCopies(state: ImageState, copies: readonly Copy[]): ImageState {
	return { ...state, copies, ...(state.image && { image: { ...state.image, copies } }) };
}

function isCopy(copy: Copy, store: string, node: string): boolean {
	return copy.store === store && copy.node === node;
}

function byStoreThenNode(a: Copy, b: Copy): number {
	return compareUtf8(a.store, b.store) || compareUtf8(a.node, b.node);
}

function none(state: ImageState, code: ErrorCode, why: string): Folded<ImageState> {
	return { state, refusal: new ImageError(code, why) };
}
