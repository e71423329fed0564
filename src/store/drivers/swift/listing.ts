import { ImageError } from '#domain/errors.ts';
import { type Account, refusal } from './account.ts';

export interface Listed {
	readonly name: string;
	readonly bytes: number;
	/** md5, hex */
	readonly hash: string;
}

const PAGE = 1000;

/** The objects of a container whose names begin so, in order. None when there is no such container. */
export async function* listObjects(
	account: Account,
	container: string,
	prefix: string,
	signal: AbortSignal,
): AsyncGenerator<Listed> {
	for (let marker = ''; ; ) {
		const query = { format: 'json', prefix, limit: String(PAGE), ...(marker !== '' && { marker }) };
		const { status, body } = await account.ask({ method: 'GET', container, query, signal });
		if (status === 404) return;
		if (status !== 200 && status !== 204) throw refusal(status, 'listing a container');
		const page = status === 204 ? [] : parsePage(body);
		for (const each of page) if (each.name.startsWith(prefix)) yield each;
		// each page begins after the one before, or a server that ignores markers would be asked for ever
		const last = page.at(-1)?.name;
		if (last === undefined || last === marker) return;
		marker = last;
	}
}

function parsePage(body: Buffer): Listed[] {
	try {
		const rows = JSON.parse(body.toString()) as { readonly name?: unknown; readonly bytes?: unknown; readonly hash?: unknown }[];
		return rows.flatMap(({ name, bytes, hash }) =>
			typeof name === 'string' && typeof bytes === 'number' ? [{ name, bytes, hash: String(hash) }] : [],
		);
	} catch {
		throw new ImageError('store-failed', 'swift lists a container in no form that is known');
	}
}
