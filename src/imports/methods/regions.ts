/** Other regions of the same cloud: where their image services are, and what these say of an image. */
import { ImageError } from '#domain/errors.ts';
import { createWebClient } from '#lib/web/client.ts';
import { WebError } from '#lib/web/web-error.ts';
import type { RegionalImages } from './glance-download.ts';

export interface RegionsOptions {
	/** `token.catalog` or its like, as Keystone has it; undefined where there is no Keystone */
	catalogue(signal: AbortSignal): Promise<unknown>;
	token(signal: AbortSignal): Promise<string | undefined>;
}

const ANSWER_BYTES_MAX = 1024 * 1024;

export function createRegions({ catalogue, token }: RegionsOptions): RegionalImages {
	return {
		token,
		async endpoint(region, serviceInterface, signal) {
			const found = endpointIn(await catalogue(signal), region, serviceInterface);
			if (found === undefined)
				throw new ImageError('invalid', `there is no ${serviceInterface} image service in region ${region}`);
			return found.replace(/\/+$/, '').replace(/\/v2$/, '');
		},
		async show(url, headers, signal) {
			// where the catalogue points is the operator's own word
			const { hostname, port, protocol } = new URL(url);
			const ports = [Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port)];
			const host = hostname.replace(/^\[|\]$/g, '');
			const client = createWebClient({
				filter: { allowedHosts: [host], allowedPorts: ports },
				redirects: { most: 0, statuses: [] },
			});
			try {
				using answer = await client.ask(url, { headers: { ...headers, accept: 'application/json' }, signal });
				if (answer.status !== 200)
					throw new ImageError('invalid', `the other region answered ${answer.status} instead of the image`);
				return await jsonOf(answer.body());
			} catch (error) {
				throw error instanceof WebError ? new ImageError(error.code, error.message, { cause: error }) : error;
			}
		},
	};
}

async function jsonOf(body: AsyncIterable<Uint8Array>): Promise<Readonly<Record<string, unknown>>> {
	const chunks: Uint8Array[] = [];
	let bytes = 0;
	for await (const chunk of body) {
		bytes += chunk.length;
		if (bytes > ANSWER_BYTES_MAX) throw new ImageError('invalid', 'the other region said too much of the image');
		chunks.push(Buffer.from(chunk));
	}
	try {
		const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
		if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
	} catch {
		// said below
	}
	throw new ImageError('invalid', 'the other region did not answer with an image');
}

interface Service {
	readonly type?: unknown;
	readonly endpoints?: readonly {
		readonly interface?: unknown;
		readonly region?: unknown;
		readonly region_id?: unknown;
		readonly url?: unknown;
	}[];
}

function endpointIn(catalogue: unknown, region: string, wanted: string): string | undefined {
	if (!Array.isArray(catalogue)) return undefined;
	const endpoints = (catalogue as readonly Service[])
		.filter(({ type }) => type === 'image')
		.flatMap((each) => each.endpoints ?? []);
	const found = endpoints.find((each) => each.interface === wanted && (each.region_id ?? each.region) === region);
	return typeof found?.url === 'string' && /^https?:\/\//.test(found.url) ? found.url : undefined;
}
