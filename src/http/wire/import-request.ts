import { ImageError } from '#domain/errors.ts';
import type { ImportRequest } from '#domain/import-request.ts';
import { quoted } from './texts.ts';

type Body = Readonly<Record<string, unknown>>;

/** The body of "Import an image"; `header` is X-Image-Meta-Store. */
export function parseImportRequest(body: unknown, methods: readonly string[], header: string | undefined): ImportRequest {
	if (!isObject(body)) throw new ImageError('invalid', 'the body must be a JSON object');
	const method = methodOf(body, methods);
	for (const name of ['all_stores', 'all_stores_must_succeed'])
		if (typeof (body[name] ?? true) !== 'boolean')
			throw new ImageError('invalid', `${name} must be true or false, not ${quoted(body[name])}`);
	const stores = storesOf(body);
	const named = [stores !== undefined, header !== undefined, body.all_stores === true].filter(Boolean);
	if (named.length > 1) throw new ImageError('invalid', 'stores, all_stores and x-image-meta-store exclude each other');
	const wanted = header === undefined ? stores : [header];
	return { method, ...(wanted && { stores: wanted }) };
}

function methodOf({ method }: Body, methods: readonly string[]): string {
	const name = isObject(method) ? method.name : undefined;
	if (typeof name !== 'string') throw new ImageError('invalid', 'the body must have a method with a name');
	if (!methods.includes(name))
		throw new ImageError('invalid', `import method ${quoted(name)} is not one of ${methods.join(', ')}`);
	return name;
}

function storesOf({ stores }: Body): readonly string[] | undefined {
	if (stores === undefined) return undefined;
	if (!Array.isArray(stores) || stores.length === 0 || !stores.every((store) => typeof store === 'string'))
		throw new ImageError('invalid', 'stores must be a list of store ids');
	return [...new Set<string>(stores)];
}

function isObject(value: unknown): value is Body {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
