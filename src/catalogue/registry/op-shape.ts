/** What an op may look like, whoever wrote it: the same check guards this node's commits and others' entries. */
import { type ContentRef, IMAGE_STATUSES, type Settable, VISIBILITIES } from '#domain/image.ts';
import { MEMBER_STATUSES } from '#domain/member.ts';
import type {
	CopyAdd,
	CopyDrop,
	ImageCreate,
	ImageDelete,
	ImageSetData,
	ImageSetLocations,
	ImageSetStatus,
	ImageStage,
	ImageUpdate,
	ImageVouch,
	MemberAdd,
	MemberRemove,
	MemberSetStatus,
	NodeAnnounce,
	Op,
} from '#domain/ops.ts';
import type { StoreLocation } from '#domain/ports/stores.ts';
import { METADEF_SHAPES } from './metadef-op-shape.ts';
import { type Check, dictionary, flag, integer, list, nullable, oneOf, refuse, shape, text } from './shapes.ts';

/** Protection, not policy: the API's own limits (255 characters, 64 KiB) are below these. UTF-16 units. */
const NAME_CHARS_MAX = 1024;
const VALUE_CHARS_MAX = 65_535;
const CERTIFICATE_CHARS_MAX = 8192;
const ITEMS_MAX = 1024;
const ADDRESSES_MAX = 32;
const URL_CHARS_MAX = 8192;
const METADATA_CHARS_MAX = 65_535;
const LOCATIONS_MAX = 128;
const INT32_MAX = 2 ** 31 - 1;
/** 1 TiB of 256 KiB blocks: what a manifest may make others allocate. */
const BLOCKS_MAX = 2 ** 22;
const BLOCK_BYTES_MAX = 64 * 1024 * 1024;

const UUID = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const BASE32_CID = /^b[a-z2-7]{20,120}$/;
const HEX = /^[0-9a-f]*$/;

const id = text(36, UUID);
const name = text(NAME_CHARS_MAX);
const member = text(NAME_CHARS_MAX, /./s);
const type: Check = () => {};
const names = list(name, ITEMS_MAX);
const properties = dictionary(name, text(VALUE_CHARS_MAX), ITEMS_MAX);

const settable = {
	name: nullable(name),
	visibility: oneOf(VISIBILITIES),
	owner: nullable(name),
	protected: flag,
	hidden: flag,
	minDisk: integer(0, INT32_MAX),
	minRam: integer(0, INT32_MAX),
	diskFormat: nullable(name),
	containerFormat: nullable(name),
};

const contentShape = shape<ContentRef>({
	root: text(128, BASE32_CID),
	size: integer(0, Number.MAX_SAFE_INTEGER),
	blockSize: integer(1, BLOCK_BYTES_MAX),
});
const content: Check = (value, at) => {
	contentShape(value, at);
	const { size, blockSize } = value as ContentRef;
	if (size / blockSize > BLOCKS_MAX) refuse(at, `has more than ${BLOCKS_MAX} blocks`);
};

/** Values of any shape, as JSON has them, that stay small. */
const plain: Check = (value, at) => {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(at, 'is not an object');
	if (JSON.stringify(value).length > METADATA_CHARS_MAX) refuse(at, `has more than ${METADATA_CHARS_MAX} characters`);
};
const location = shape<StoreLocation>({ url: text(URL_CHARS_MAX), metadata: plain });

const facts = { content, checksum: text(64, HEX), hashAlgorithm: text(64), hashValue: text(256, HEX) };

const SHAPES: Readonly<Record<Op['type'], Check>> = {
	'node.announce': shape<NodeAnnounce>({
		type,
		certificate: text(CERTIFICATE_CHARS_MAX),
		addresses: list(name, ADDRESSES_MAX),
	}),
	'image.create': shape<ImageCreate>({
		type,
		id,
		fields: shape<ImageCreate['fields']>({ ...settable, tags: names, properties }),
	}),
	'image.update': shape<ImageUpdate>(
		{
			type,
			id,
			set: shape<Settable>(settable, Object.keys(settable) as (keyof Settable)[]),
			setProperties: properties,
			dropProperties: names,
			addTags: names,
			dropTags: names,
		},
		['set', 'setProperties', 'dropProperties', 'addTags', 'dropTags'],
	),
	'image.status': shape<ImageSetStatus>({ type, id, status: oneOf(IMAGE_STATUSES) }),
	'image.data': shape<ImageSetData>({
		type,
		id,
		...facts,
		virtualSize: nullable(integer(0, Number.MAX_SAFE_INTEGER)),
	}),
	'image.stage': shape<ImageStage>({ type, id, ...facts, virtualSize: nullable(integer(0, Number.MAX_SAFE_INTEGER)) }, [
		'virtualSize',
	]),
	'image.locations': shape<ImageSetLocations>({ type, id, locations: list(location, LOCATIONS_MAX) }),
	'image.vouch': shape<ImageVouch>({
		type,
		id,
		size: integer(0, Number.MAX_SAFE_INTEGER),
		checksum: nullable(text(64, HEX)),
		hashAlgorithm: nullable(text(64)),
		hashValue: nullable(text(256, HEX)),
	}),
	'image.delete': shape<ImageDelete>({ type, id }),
	'copy.add': shape<CopyAdd>(
		{ type, id, store: name, kind: oneOf(['site', 'backend']), url: text(URL_CHARS_MAX), metadata: plain },
		['url', 'metadata'],
	),
	'copy.drop': shape<CopyDrop>({ type, id, store: name }),
	'member.add': shape<MemberAdd>({ type, id, member }),
	'member.status': shape<MemberSetStatus>({ type, id, member, status: oneOf(MEMBER_STATUSES) }),
	'member.remove': shape<MemberRemove>({ type, id, member }),
	...METADEF_SHAPES,
};

/** Throws `invalid` with the place of the first thing that is not as it must be. */
export function assertOp(value: unknown): asserts value is Op {
	const kind = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
	if (typeof kind !== 'string' || !Object.hasOwn(SHAPES, kind)) refuse('op', 'is of an unknown type');
	SHAPES[kind as Op['type']](value, kind);
}
