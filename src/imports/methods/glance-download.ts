/**
 * `glance-download`: an image of another region's Glance, with its formats and some of its properties. Whether the caller
 * may have it, that Glance says to the caller's own token while the request is still there; the task, which may run after a
 * restart, then asks in the node's name. Image API v2, "Import an image".
 */
import type { RequestContext } from '#domain/context.ts';
import { ImageError } from '#domain/errors.ts';
import type { ImageChange } from '#domain/image.ts';
import type { ImportMethod } from '#domain/import-request.ts';
import type { WebSource } from '#imports/web-source.ts';
import type { FetchMethod } from './method.ts';

type GlanceDownload = Extract<ImportMethod, { readonly name: 'glance-download' }>;

export interface GlanceDownloadOptions {
	/** Follows no redirect: a token goes nowhere else. Reads JSON answers of regions, whatever the filter says of their hosts. */
	readonly regions: RegionalImages;
	/** by the import filter, without redirects */
	readonly web: WebSource;
	/** names of properties that come along begin with one of them */
	readonly extraProperties: readonly string[];
}

export interface RegionalImages {
	/** base URL of a region's image service, without slash; `invalid` when the catalogue has none */
	endpoint(region: string, serviceInterface: string, signal: AbortSignal): Promise<string>;
	/** The record of an image, as JSON; `invalid` unless it is answered with 200. */
	show(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>>;
	/** The node's own token; undefined where there is none. */
	token(signal: AbortSignal): Promise<string | undefined>;
}

export function glanceDownload({ regions, web, extraProperties }: GlanceDownloadOptions): FetchMethod<GlanceDownload> {
	async function find(ctx: RequestContext, { region, imageId, serviceInterface }: GlanceDownload) {
		const { signal } = ctx;
		const token = ctx.credential?.token() ?? (await regions.token(signal));
		const headers = token === undefined ? {} : { 'x-auth-token': token };
		const url = `${await regions.endpoint(region, serviceInterface, signal)}/v2/images/${imageId}`;
		const image = await regions.show(url, headers, signal);
		if (image.status !== 'active') throw new ImageError('invalid', `image ${imageId} of region ${region} is not active`);
		return { image, url: `${url}/file`, headers };
	}

	return {
		async check(ctx, method) {
			const { url } = await find(ctx, method);
			await web.check(url, ctx);
		},
		async open(ctx, method) {
			const { image, url, headers } = await find(ctx, method);
			const body = await web.open(url, { signal: ctx.signal, headers });
			const { os_hash_algo: algorithm, os_hash_value: value, size } = image;
			return {
				data: body.data,
				...(typeof size === 'number' && { size }),
				...(typeof algorithm === 'string' && typeof value === 'string' && { digest: { algorithm, value } }),
				changes: changesBy(image, extraProperties),
				[Symbol.dispose]: () => body[Symbol.dispose](),
			};
		},
	};
}

const TEXT_CHARS_MAX = 255;
const VALUE_CHARS_MAX = 65_535;

/** What another Glance says is as little believed as what a client says. */
function changesBy(image: Readonly<Record<string, unknown>>, prefixes: readonly string[]): readonly ImageChange[] {
	const text = (name: string) => {
		const value = image[name];
		if (typeof value !== 'string' || value.length > TEXT_CHARS_MAX)
			throw new ImageError('invalid', `the other region does not say what ${name} is`);
		return value;
	};
	const extra = Object.entries(image).filter(
		([name, value]) =>
			prefixes.some((prefix) => name.startsWith(prefix)) &&
			name.length <= TEXT_CHARS_MAX &&
			typeof value === 'string' &&
			value.length <= VALUE_CHARS_MAX,
	);
	return [
		{ set: { diskFormat: text('disk_format'), containerFormat: text('container_format') } },
		...extra.map(([name, value]): ImageChange => ({ setProperty: name, value: String(value), when: 'always' })),
	];
}
