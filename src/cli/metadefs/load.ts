/** Puts namespaces of files into a node, as `glance-manage db_load_metadefs` puts them into a database. */
import type { AdminClient, Reply } from '#cli/admin-client.ts';
import { bodyOf, type Content, type NamespaceFile, namespaceFileOf } from './namespace-file.ts';

/**
 * What becomes of a namespace that is there already: `keep` leaves it; `merge` adds what it lacks; `prefer-new` also
 * changes what it has to what the file says; `overwrite` puts the file's in its place.
 */
export type LoadMode = 'keep' | 'merge' | 'prefer-new' | 'overwrite';

export type Outcome = 'loaded' | 'kept' | 'merged' | 'overwritten';

export const NAMESPACES = '/v2/metadefs/namespaces';
export const pathOf = (namespace: string, ...below: readonly string[]) =>
	[NAMESPACES, ...[namespace, ...below].map(encodeURIComponent)].join('/');

/** Fails with what the node said against it. */
export async function loadNamespace(client: AdminClient, file: NamespaceFile, mode: LoadMode): Promise<Outcome> {
	const found = await shown(client, file.fields.namespace);
	if (found === undefined) {
		await must(client, 'POST', NAMESPACES, bodyOf(file));
		return 'loaded';
	}
	if (mode === 'keep') return 'kept';
	if (mode === 'overwrite') {
		await overwrite(client, found, file);
		return 'overwritten';
	}
	await merge(client, found, file, mode === 'prefer-new');
	return 'merged';
}

/** The namespace with all that is in it; undefined when there is none. */
export async function shown(client: AdminClient, namespace: string): Promise<NamespaceFile | undefined> {
	const reply = await client.ask('GET', pathOf(namespace));
	if (reply.status === 404) return undefined;
	return namespaceFileOf(succeeded(reply).body as Readonly<Record<string, unknown>>);
}

/** In steps; when one fails, those before it are taken back. */
async function overwrite(client: AdminClient, found: NamespaceFile, file: NamespaceFile): Promise<void> {
	const path = pathOf(file.fields.namespace);
	if (found.fields.protected === true) await must(client, 'PUT', path, { ...found.fields, protected: false });
	try {
		await must(client, 'DELETE', path);
	} catch (error) {
		await must(client, 'PUT', path, found.fields);
		throw error;
	}
	try {
		await must(client, 'POST', NAMESPACES, bodyOf(file));
	} catch (error) {
		await must(client, 'POST', NAMESPACES, bodyOf(found));
		throw error;
	}
}

async function merge(client: AdminClient, found: NamespaceFile, file: NamespaceFile, preferNew: boolean): Promise<void> {
	const { namespace } = file.fields;
	if (preferNew) await must(client, 'PUT', pathOf(namespace), file.fields);
	for (const [kind, items] of Object.entries(itemsOf(file.content))) {
		const known = new Set(itemsOf(found.content)[kind as Kind].map(({ name }) => name));
		for (const { name, body } of items) {
			if (!known.has(name)) await add(client, namespace, kind as Kind, name, body);
			else if (preferNew) await replace(client, namespace, kind as Kind, name, body);
		}
	}
}

type Kind = 'resource_types' | 'properties' | 'objects' | 'tags';
interface Item {
	readonly name: string;
	readonly body: object;
}

/** By the names of their collections. */
function itemsOf(content: Content): Readonly<Record<Kind, readonly Item[]>> {
	const named = (items: readonly (object & { readonly name: string })[]) => items.map((body) => ({ name: body.name, body }));
	return {
		resource_types: named(content.resource_type_associations),
		properties: Object.entries(content.properties).map(([name, schema]) => ({ name, body: { ...schema, name } })),
		objects: named(content.objects),
		tags: named(content.tags),
	};
}

async function add(client: AdminClient, namespace: string, kind: Kind, name: string, body: object): Promise<void> {
	if (kind === 'tags') await must(client, 'POST', pathOf(namespace, kind, name));
	else await must(client, 'POST', pathOf(namespace, kind), body);
}

/** A tag is its name and nothing more; an association cannot be changed, only made again. */
async function replace(client: AdminClient, namespace: string, kind: Kind, name: string, body: object): Promise<void> {
	if (kind === 'tags') return;
	if (kind !== 'resource_types') return must(client, 'PUT', pathOf(namespace, kind, name), body);
	await must(client, 'DELETE', pathOf(namespace, kind, name));
	await must(client, 'POST', pathOf(namespace, kind), body);
}

async function must(client: AdminClient, method: string, path: string, body?: object): Promise<void> {
	succeeded(await client.ask(method, path, body));
}

export function succeeded(reply: Reply): Reply {
	if (reply.status < 200 || reply.status > 299) throw new Error(`the node refused (${reply.status}): ${reply.problem}`);
	return reply;
}
