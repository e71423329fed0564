/** Removes an object with all that it is made of. */
import { ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import { type Account, refusal } from './account.ts';
import { listObjects } from './listing.ts';

const AT_ONCE = 8;

/** `not-found` when it was not there. */
export async function removeObject(
	account: Account,
	container: string,
	object: string,
	signal: AbortSignal,
	log: Log,
): Promise<void> {
	const { status, header } = await account.ask({ method: 'HEAD', container, object, signal });
	if (status >= 300) throw refusal(status, 'removing an object');
	if (header('x-static-large-object')?.toLowerCase() === 'true') return removeStatic(account, container, object, signal);
	const manifest = header('x-object-manifest');
	// segments first: an object without them can be removed again, they without it would be forgotten
	if (manifest !== undefined) await removeSegments(account, manifest, object, signal, log);
	const gone = await account.ask({ method: 'DELETE', container, object, signal });
	if (gone.status >= 300) throw refusal(gone.status, 'removing an object');
}

async function removeSegments(account: Account, manifest: string, object: string, signal: AbortSignal, log: Log): Promise<void> {
	const slash = manifest.indexOf('/');
	const [container, prefix] = [manifest.slice(0, slash), manifest.slice(slash + 1)].map(decodeURIComponent) as [string, string];
	// a manifest is data of whoever wrote the object: only what is named after it is taken for its own
	if (slash < 1 || (!prefix.startsWith(`${object}-`) && !prefix.startsWith(`${object}/`))) {
		log.warn({ object }, 'an object of swift names segments that are not named after it: they stay');
		return;
	}
	for (;;) {
		const names: string[] = [];
		for await (const { name } of listObjects(account, container, prefix, signal)) {
			names.push(name);
			if (names.length >= 1000) break;
		}
		if (names.length === 0) return;
		const turns = names.values();
		await Promise.all(Array.from({ length: AT_ONCE }, () => removeAll(account, container, turns, signal)));
	}
}

async function removeAll(
	account: Account,
	container: string,
	names: Iterator<string> & Iterable<string>,
	signal: AbortSignal,
): Promise<void> {
	for (const object of names) {
		const { status } = await account.ask({ method: 'DELETE', container, object, signal });
		if (status >= 300 && status !== 404) throw refusal(status, 'removing a segment');
	}
}

/** Swift removes the segments itself, answers 200 in any case, and tells in the answer what became of it. */
async function removeStatic(account: Account, container: string, object: string, signal: AbortSignal): Promise<void> {
	const query = { 'multipart-manifest': 'delete' };
	const headers = { accept: 'application/json' };
	const { status, body } = await account.ask({ method: 'DELETE', container, object, query, headers, signal });
	if (status >= 300) throw refusal(status, 'removing an object');
	const told = outcome(body);
	if (told !== 200) throw refusal(told, 'removing an object and its segments');
}

/** `Response Status` is like "400 Bad Request", `Errors` pairs of a name and a status. */
function outcome(body: Buffer): number {
	try {
		const told = JSON.parse(body.toString()) as { readonly 'Response Status'?: unknown; readonly Errors?: unknown };
		const errors = Array.isArray(told.Errors) ? told.Errors : [];
		const said = Number.parseInt(String(errors[0]?.[1] ?? told['Response Status']), 10);
		if (said >= 100) return said;
	} catch {}
	throw new ImageError('store-failed', 'swift does not say whether an object is removed');
}
