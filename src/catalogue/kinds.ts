/** The kinds of records there are, and which one an op is about. */
import type { MetadefOp } from '#domain/ops.ts';
import { countsFromAnySite, foldImage, type ImageOp, type ImageState, NO_IMAGE } from './fold/image-fold.ts';
import { foldNamespace, type NamespaceState, NO_NAMESPACE } from './fold/namespace-fold.ts';
import type { RecordKind } from './fold/record-kind.ts';
import { indexKeys } from './indexes.ts';
import {
	decodeImage,
	encodeImage,
	fromBytes,
	imageKey,
	imageOpsPrefix,
	namespaceKey,
	namespaceOpsPrefix,
	toBytes,
} from './records.ts';

/** What the ops of a log other than its own announcements are about. */
export type RecordOp = ImageOp | MetadefOp;

export const IMAGES: RecordKind<ImageState, ImageOp> = {
	none: { state: NO_IMAGE, last: '' },
	key: imageKey,
	opsPrefix: imageOpsPrefix,
	fold: foldImage,
	standsApart: (op) => op.type === 'copy.add' || op.type === 'copy.drop',
	/** An op of another site changes nothing, unless it is the create that the record should have had, or a member's answer. */
	mayMatter: ({ image }, writer, op) => countsFromAnySite(op) || image === undefined || image.site === writer.site,
	restart: ({ copies, revision }) => ({ ...NO_IMAGE, copies, revision }),
	encode: encodeImage,
	decode: decodeImage,
	indexKeys: ({ image }) => (image ? indexKeys(image) : []),
	/** a list and the shows after it read the same ones */
	cached: 4096,
};

export const NAMESPACES: RecordKind<NamespaceState, MetadefOp> = {
	none: { state: NO_NAMESPACE, last: '' },
	key: namespaceKey,
	opsPrefix: namespaceOpsPrefix,
	fold: foldNamespace,
	standsApart: () => false,
	/** Names change hands and resource types outlive them: any op may decide what those after it come upon. */
	mayMatter: () => true,
	restart: ({ revision }) => ({ ...NO_NAMESPACE, revision }),
	encode: toBytes,
	decode: fromBytes,
	indexKeys: () => [],
	cached: 512,
};

export function isMetadefOp(op: RecordOp): op is MetadefOp {
	return op.type.startsWith('metadef.');
}
