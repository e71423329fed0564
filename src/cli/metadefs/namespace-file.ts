/** A namespace as Glance ships it: one JSON file, as `glance-manage db_load_metadefs` reads and `db_export_metadefs` writes it. */
import { readFile } from 'node:fs/promises';

/** The parts of a file, by their names in the API too. */
export interface NamespaceFile {
	readonly fields: Fields & { readonly namespace: string };
	readonly content: Content;
}

type Fields = Readonly<Record<string, unknown>>;
type Named = Fields & { readonly name: string };

export interface Content {
	readonly resource_type_associations: readonly Named[];
	readonly objects: readonly Named[];
	readonly tags: readonly Named[];
	readonly properties: Readonly<Record<string, Fields>>;
}

/** Who owns what a file does not say the owner of. */
const NO_OWNER = 'admin';
const FIELDS = ['namespace', 'display_name', 'description', 'visibility', 'protected', 'owner'] as const;

/** Fails with a line that says what is wrong with the file. */
export async function readNamespaceFile(path: string): Promise<NamespaceFile> {
	const parsed = parse(await readFile(path, 'utf8'));
	if (!isRecord(parsed)) throw new Error('it is not a JSON object');
	return { ...namespaceFileOf({ owner: NO_OWNER, ...parsed }) };
}

/** From a file, or from what the API shows; what neither has is not kept. */
export function namespaceFileOf(source: Fields): NamespaceFile {
	const { namespace } = source;
	if (typeof namespace !== 'string' || namespace === '') throw new Error('it has no namespace');
	const properties = source.properties ?? {};
	if (!isRecord(properties)) throw new Error('its properties are no JSON object');
	return {
		fields: { ...picked(source, FIELDS), namespace },
		content: {
			resource_type_associations: named(source, 'resource_type_associations', ['name', 'prefix', 'properties_target']),
			objects: named(source, 'objects', ['name', 'description', 'required', 'properties']),
			tags: named(source, 'tags', ['name']),
			properties: properties as Content['properties'],
		},
	};
}

/** The whole of it as one body, which the API takes in one transaction. */
export function bodyOf({ fields, content }: NamespaceFile): Fields {
	return { ...fields, ...content };
}

function named(source: Fields, key: string, keys: readonly string[]): readonly Named[] {
	const items = source[key] ?? [];
	if (!Array.isArray(items)) throw new Error(`its ${key} are no array`);
	return items.map((item: unknown, index) => {
		if (!isRecord(item) || typeof item.name !== 'string') throw new Error(`its ${key}[${index}] has no name`);
		return { ...picked(item, keys), name: item.name };
	});
}

/** Null says as much as nothing. */
function picked(source: Fields, keys: readonly string[]): Fields {
	return Object.fromEntries(keys.map((key) => [key, source[key]]).filter(([, value]) => value !== undefined && value !== null));
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		throw new Error('it is not JSON');
	}
}

function isRecord(value: unknown): value is Fields {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
