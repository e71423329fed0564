/** Limits in Keystone belong to a service in a region. Identity API v3, "Unified limits"; "Service catalog and endpoints". */
import { ImageError } from '#domain/errors.ts';
import type { Keystone } from '#keystone/ports.ts';
import { askFor, type Row, textOf } from './answers.ts';

/** The endpoint's; else those of the service of this name; else those of the service of this type. */
export interface WhoseLimits {
	readonly endpointId?: string;
	readonly serviceName?: string;
	readonly serviceType: string;
	/** absent: the one region that the service has public endpoints in */
	readonly region?: string;
}

/** As limits are asked for. */
export type Whose = Readonly<Record<'service_id' | 'region_id', string>>;

/**
 * `unavailable` when Keystone does not know them, or more than one, or when it enforces limits in another way than
 * project by project: what the projects above and below one use is not known here.
 */
export async function findWhose(keystone: Keystone, named: WhoseLimits, signal: AbortSignal): Promise<Whose> {
	const model = textOf((await askFor(keystone, '/limits/model', {}, 'model', signal)).name);
	if (model !== 'flat')
		throw new ImageError('unavailable', `limits of keystone's model ${model} cannot be enforced, only flat ones`);
	if (named.endpointId !== undefined) {
		const endpoint = await askFor(keystone, `/endpoints/${encodeURIComponent(named.endpointId)}`, {}, 'endpoint', signal);
		return { service_id: textOf(endpoint.service_id), region_id: textOf(endpoint.region_id) };
	}
	const service_id = await findService(keystone, named, signal);
	return { service_id, region_id: named.region ?? (await findRegion(keystone, service_id, signal)) };
}

async function findService(keystone: Keystone, { serviceName, serviceType }: WhoseLimits, signal: AbortSignal): Promise<string> {
	const query = serviceName === undefined ? { type: serviceType } : { name: serviceName };
	const services = await askFor(keystone, '/services', query, 'services', signal);
	return only(
		services.map(({ id }) => textOf(id)),
		`service ${serviceName ?? `of type ${serviceType}`}`,
	);
}

async function findRegion(keystone: Keystone, service_id: string, signal: AbortSignal): Promise<string> {
	const endpoints = await askFor(keystone, '/endpoints', { service_id, interface: 'public' }, 'endpoints', signal);
	return only([...new Set(endpoints.map((each: Row) => textOf(each.region_id)))], 'region of the image service');
}

function only(found: readonly string[], what: string): string {
	const [first] = found;
	if (first !== undefined && found.length === 1) return first;
	throw new ImageError(
		'unavailable',
		`keystone knows ${found.length} times a ${what}; name one in the settings of unified limits`,
	);
}
