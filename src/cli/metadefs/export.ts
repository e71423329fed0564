/** Writes a node's namespaces to files that it, and Glance, can load again. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdminClient } from '#cli/admin-client.ts';
import { NAMESPACES, shown, succeeded } from './load.ts';
import { bodyOf } from './namespace-file.ts';

const PAGE = `${NAMESPACES}?limit=1000&sort_key=namespace&sort_dir=asc`;

/** Names of all namespaces that the caller can see. */
export async function namespaceNames(client: AdminClient): Promise<readonly string[]> {
	const names: string[] = [];
	for (let path: string | undefined = PAGE; path !== undefined; ) {
		const page = succeeded(await client.ask('GET', path)).body as Page;
		names.push(...page.namespaces.map(({ namespace }) => namespace));
		path = page.next;
	}
	return names;
}

interface Page {
	readonly namespaces: readonly { readonly namespace: string }[];
	readonly next?: string;
}

/** The file that was written; undefined when the namespace went away meanwhile. An existing file is never replaced. */
export async function exportNamespace(client: AdminClient, namespace: string, directory: string): Promise<string | undefined> {
	const found = await shown(client, namespace);
	if (found === undefined) return undefined;
	const path = join(directory, fileName(namespace));
	await writeFile(path, `${JSON.stringify(bodyOf(found), null, 4)}\n`, { flag: 'wx' });
	return path;
}

/** One name, one file: what a file name cannot have is escaped. */
function fileName(namespace: string): string {
	return `${encodeURIComponent(namespace).replaceAll('%3A', ':')}.json`;
}
