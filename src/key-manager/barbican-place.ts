/** Where Barbican is: told, or found in Keystone's catalogue of services. */
import { ImageError } from '#domain/errors.ts';
import type { Keystone } from '#keystone/ports.ts';

export type BarbicanInterface = 'public' | 'internal' | 'admin';

export interface BarbicanPlaceOptions {
	readonly keystone: Keystone;
	readonly interface: BarbicanInterface;
	/** absent: any */
	readonly region?: string;
	/** milliseconds, going forward */
	readonly clock: () => number;
}

/** Without the version and without a slash at its end. */
export type BarbicanPlace = (signal: AbortSignal) => Promise<string>;

/** A service seldom moves, and an operator who moves it waits no longer than this. */
const KEPT_MS = 300_000;

/** `unavailable` when Keystone does not answer, or knows no key manager. */
export function barbicanInCatalogue({ keystone, interface: wanted, region, clock }: BarbicanPlaceOptions): BarbicanPlace {
	let known: { readonly url: string; readonly until: number } | undefined;
	return async (signal) => {
		if (known !== undefined && clock() < known.until) return known.url;
		const { status, body } = await keystone.ask({ method: 'GET', path: '/auth/catalog', signal });
		const url = status === 200 ? endpointIn(body, wanted, region) : undefined;
		if (url === undefined) throw new ImageError('unavailable', "there is no key manager in keystone's catalogue");
		known = { url: barbicanUrl(url), until: clock() + KEPT_MS };
		return known.url;
	};
}

/** Operators write it with the version or without. */
export function barbicanUrl(url: string): string {
	return url.replace(/\/+$/, '').replace(/\/v1$/, '');
}

interface Service {
	readonly type?: unknown;
	readonly endpoints?: readonly { readonly interface?: unknown; readonly region_id?: unknown; readonly url?: unknown }[];
}

function endpointIn(body: unknown, wanted: BarbicanInterface, region: string | undefined): string | undefined {
	const { catalog } = (body ?? {}) as { readonly catalog?: readonly Service[] };
	if (!Array.isArray(catalog)) return undefined;
	const endpoints = (catalog as readonly Service[])
		.filter(({ type }) => type === 'key-manager')
		.flatMap((each) => each.endpoints ?? []);
	const found = endpoints.find((each) => each.interface === wanted && (region === undefined || each.region_id === region));
	return typeof found?.url === 'string' && /^https?:\/\//.test(found.url) ? found.url : undefined;
}
