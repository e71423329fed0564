import { ImageError } from '#domain/errors.ts';
import type { ImportMethod, ImportRequest } from '#domain/import-request.ts';
import { quoted } from './texts.ts';

type Body = Readonly<Record<string, unknown>>;

/** The body of "Import an image"; `header` is X-Image-Meta-Store. */
export function parseImportRequest(body: unknown, methods: readonly string[], header: string | undefined): ImportRequest {
	if (!isObject(body)) throw new ImageError('invalid', 'the body must be a JSON object');
	const method = methodOf(body, methods);
	for (const name of ['all_stores', 'all_stores_must_succeed'])
		if (body[name] !== undefined && typeof body[name] !== 'boolean')
			throw new ImageError('invalid', `${name} must be true or false, not ${quoted(body[name])}`);
	const stores = storesOf(body);
	const named = [stores !== undefined, header !== undefined, body.all_stores === true].filter(Boolean);
	if (named.length > 1) throw new ImageError('invalid', 'stores, all_stores and x-image-meta-store exclude each other');
	const wanted = header === undefined ? stores : [header];
	return {
		method,
		...(wanted && { stores: wanted }),
		...(body.all_stores === true && { allStores: true }),
		...(body.all_stores_must_succeed === false && { allStoresMustSucceed: false }),
	};
}

function methodOf({ method }: Body, methods: readonly string[]): ImportMethod {
	const { name } = isObject(method) ? method : {};
	if (!isObject(method) || typeof name !== 'string') throw new ImageError('invalid', 'the body must have a method with a name');
	if (!methods.includes(name))
		throw new ImageError('invalid', `import method ${quoted(name)} is not one of ${methods.join(', ')}`);
	if (name === 'web-download') return { name, uri: textOf(method, 'uri') };
	if (name === 'glance-download')
		return {
			name,
			region: textOf(method, 'glance_region'),
			imageId: uuidOf(method, 'glance_image_id'),
			serviceInterface: textOf(method, 'glance_service_interface', 'public'),
		};
	return { name: name === 'copy-image' ? name : 'glance-direct' };
}

function textOf(method: Body, key: string, byDefault?: string): string {
	const value = method[key] ?? byDefault;
	if (typeof value !== 'string' || value === '') throw new ImageError('invalid', `the import method needs ${key}, a text`);
	return value;
}

function uuidOf(method: Body, key: string): string {
	const value = textOf(method, key);
	if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value))
		throw new ImageError('invalid', `${key}: the image id does not look like a UUID`);
	return value;
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
