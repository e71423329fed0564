/** Identity API v3, "Authentication and token management": a token scoped to the project, and the catalogue with Swift's address. */
import { ImageError } from '#domain/errors.ts';
import { isoTime } from '#lib/iso-time.ts';
import { type Admission, storageAddress } from './admission.ts';
import type { Http } from './http.ts';
import type { Reference } from './references.ts';
import type { SwiftSettings } from './settings.ts';

/** A wrong password is 401, an application credential or a project that does not exist 404. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 404]);

/** Undefined when the credential is refused. */
export async function keystoneLogin(
	http: Http,
	{ authAddress, login }: Reference,
	settings: SwiftSettings,
	signal: AbortSignal,
): Promise<Admission | undefined> {
	if (login.kind !== 'keystone') throw new TypeError('no login by keystone');
	const { status, header, body } = await http.ask({
		method: 'POST',
		url: `${versionless(authAddress)}/v3/auth/tokens`,
		headers: { accept: 'application/json', 'content-type': 'application/json' },
		body: Buffer.from(JSON.stringify({ auth: login.auth })),
		signal,
	});
	if (REFUSALS.has(status)) return undefined;
	const token = header('x-subject-token');
	if (status !== 201 || token === undefined)
		throw new ImageError(status >= 500 || status === 429 ? 'unavailable' : 'store-failed', `a login to keystone gives ${status}`);
	return { token, ...admissionOf(body, settings) };
}

/** Addresses in Keystone's own list of versions are often wrong behind proxies, so none is asked for. */
function versionless(address: string): string {
	return address.replace(/\/v\d+(\.\d+)?$/, '');
}

interface TokenBody {
	readonly issued_at?: unknown;
	readonly expires_at?: unknown;
	readonly project?: { readonly id?: unknown; readonly name?: unknown };
	readonly catalog?: readonly CatalogEntry[];
}

interface CatalogEntry {
	readonly type?: unknown;
	readonly endpoints?: readonly { readonly interface?: unknown; readonly region_id?: unknown; readonly url?: unknown }[];
}

function admissionOf(body: Buffer, settings: SwiftSettings): Omit<Admission, 'token'> {
	const { issued_at, expires_at, project, catalog } = tokenBody(body);
	const lifeMs = isoTime(String(expires_at)) - isoTime(String(issued_at));
	if (!(lifeMs > 0)) throw new ImageError('store-failed', 'keystone gives a token that ends before it begins, or never');
	if (typeof project?.id !== 'string' || typeof project.name !== 'string')
		throw new ImageError('store-failed', 'keystone gives a token of no project');
	const storageUrl = settings.endpoint ?? storageAddress(endpointOf(catalog, settings));
	return { storageUrl, project: { id: project.id, name: project.name }, lifeMs };
}

/** What JSON.parse complains about quotes the text: it stays here. */
function tokenBody(body: Buffer): TokenBody {
	try {
		const { token } = JSON.parse(body.toString()) as { readonly token?: TokenBody };
		if (typeof token === 'object' && token !== null) return token;
	} catch {}
	throw new ImageError('store-failed', 'keystone answers a login with something else');
}

function endpointOf(catalog: TokenBody['catalog'], { serviceType, region, endpointInterface }: SwiftSettings): unknown {
	const endpoints = Array.isArray(catalog)
		? catalog.filter(({ type }: CatalogEntry) => type === serviceType).flatMap(({ endpoints = [] }: CatalogEntry) => endpoints)
		: [];
	const found = endpoints.find(
		(each) => each.interface === endpointInterface && (region === undefined || each.region_id === region),
	);
	if (found !== undefined) return found.url;
	const where = region === undefined ? '' : ` in the region ${region}`;
	throw new ImageError('store-failed', `keystone's catalogue has no ${endpointInterface} ${serviceType} endpoint${where}`);
}
