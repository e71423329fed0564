/** What ops about metadata definitions may look like. */
import {
	type AssociationDraft,
	ITEM_KINDS,
	type ItemKind,
	METADEF_VISIBILITIES,
	type NamespaceFields,
	type ObjectDraft,
	type PropertyDraft,
	type PropertySchema,
	type TagDraft,
	VALUE_TYPES,
} from '#domain/metadef.ts';
import type { MetadefCreate, MetadefDelete, MetadefDrop, MetadefOp, MetadefPutOf, MetadefUpdate, PutItem } from '#domain/ops.ts';
import { HLC_MS_MAX } from './clock.ts';
import { type Check, finite, flag, integer, list, nullable, oneOf, refuse, shape, text } from './shapes.ts';

/** Protection, not policy: the API's own limits are below these. UTF-16 units. */
const NAME_CHARS_MAX = 1024;
const TEXT_CHARS_MAX = 65_535;
const ITEMS_MAX = 1024;

const anyNames = text(NAME_CHARS_MAX);
const name = text(NAME_CHARS_MAX, /./s);
const words = text(TEXT_CHARS_MAX);
const texts = list(words, ITEMS_MAX);
const count = integer(0, Number.MAX_SAFE_INTEGER);
const instant = integer(0, HLC_MS_MAX);
const type: Check = () => {};
const id = name;

const fields = {
	displayName: nullable(anyNames),
	description: nullable(words),
	visibility: oneOf(METADEF_VISIBILITIES),
	protected: flag,
	owner: nullable(anyNames),
};

const schema = shape<PropertySchema>(
	{
		name: anyNames,
		type: oneOf(VALUE_TYPES),
		title: words,
		description: words,
		operators: texts,
		default: nullable(words),
		readonly: flag,
		minimum: finite,
		maximum: finite,
		enum: texts,
		pattern: words,
		minLength: count,
		maxLength: count,
		confidential: flag,
		items: shape<Required<PropertySchema>['items']>({ type: oneOf(VALUE_TYPES), enum: texts }, ['enum']),
		uniqueItems: flag,
		minItems: count,
		maxItems: count,
		additionalItems: flag,
	},
	[
		'name',
		'description',
		'operators',
		'default',
		'readonly',
		'minimum',
		'maximum',
		'enum',
		'pattern',
		'minLength',
		'maxLength',
		'confidential',
		'items',
		'uniqueItems',
		'minItems',
		'maxItems',
		'additionalItems',
	],
);
/** Within an object a property may have any name, also none. */
const objectProperty = shape<PropertyDraft>({ name: anyNames, schema });

const VALUES: Readonly<Record<ItemKind, Check>> = {
	property: shape<PropertyDraft>({ name, schema }),
	object: shape<ObjectDraft>({
		name,
		description: nullable(words),
		required: nullable(texts),
		properties: nullable(list(objectProperty, ITEMS_MAX)),
	}),
	tag: shape<TagDraft>({ name }),
	association: shape<AssociationDraft>({ name, prefix: nullable(anyNames), propertiesTarget: nullable(anyNames) }),
};

const kind = oneOf(ITEM_KINDS);

const putOf = (value: Check) =>
	shape<MetadefPutOf<ItemKind>>({
		type,
		id,
		kind,
		items: list(shape<PutItem<ItemKind>>({ was: name, createdAt: instant, value }, ['was', 'createdAt']), ITEMS_MAX),
	});
const PUTS: Readonly<Record<ItemKind, Check>> = {
	property: putOf(VALUES.property),
	object: putOf(VALUES.object),
	tag: putOf(VALUES.tag),
	association: putOf(VALUES.association),
};

export const METADEF_SHAPES: Readonly<Record<MetadefOp['type'], Check>> = {
	'metadef.create': shape<MetadefCreate>({ type, id, fields: shape<NamespaceFields>(fields), createdAt: instant }, ['createdAt']),
	'metadef.update': shape<MetadefUpdate>({
		type,
		id,
		set: shape<Partial<NamespaceFields>>(fields, Object.keys(fields) as (keyof NamespaceFields)[]),
	}),
	'metadef.put': (op, at) => {
		const of = typeof op === 'object' && op !== null && 'kind' in op ? op.kind : undefined;
		kind(of, `${at}.kind`);
		PUTS[of as ItemKind](op, at);
		if (!namesDiffer(op as MetadefPutOf<ItemKind>)) refuse(`${at}.items`, 'name an item twice');
	},
	'metadef.drop': shape<MetadefDrop>({ type, id, kind, names: list(name, ITEMS_MAX) }),
	'metadef.delete': shape<MetadefDelete>({ type, id }),
};

function namesDiffer({ items }: MetadefPutOf<ItemKind>): boolean {
	return new Set(items.map(({ value }) => value.name)).size === items.length;
}
