/**
 * `glance-download`: an image of another region's Glance, with its formats and some of its properties, as that Glance lets
 * the caller have it. A task that has outlived its process has no token of the caller's any more, and asks in the node's
 * name. Image API v2, "Import an image".
 */
import type { RequestContext } from '#domain/context.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ImageChange, ImageDraft } from '#domain/image.ts';
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
	/** by the rules of the body of "Create image" */
	readonly parseDraft: (properties: unknown) => ImageDraft;
}

export interface RegionalImages {
	/** base URL of a region's image service, without slash; `invalid` when the catalogue has none */
	endpoint(region: string, serviceInterface: string, signal: AbortSignal): Promise<string>;
	/** The record of an image, as JSON; `invalid` unless it is answered with 200. */
	show(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>>;
	/** The node's own token; undefined where there is none. */
	token(signal: AbortSignal): Promise<string | undefined>;
}

export function glanceDownload(options: GlanceDownloadOptions): FetchMethod<GlanceDownload> {
	const { regions, web } = options;
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
			const found = await find(ctx, method).catch(refusal);
			if (typeof found === 'string') return found;
			await web.check(found.url, ctx);
			return undefined;
		},
		async open(ctx, method) {
			const { image, url, headers } = await find(ctx, method);
			const changes = changesBy(image, options);
			sizeOf(image.size);
			const body = await web.open(url, { signal: ctx.signal, headers });
			const { os_hash_algo: algorithm, os_hash_value: value, size } = image;
			return {
				data: body.data,
				size: sizeOf(size),
				...(typeof algorithm === 'string' && typeof value === 'string' && { digest: { algorithm, value } }),
				changes,
				[Symbol.dispose]: () => body[Symbol.dispose](),
			};
		},
	};
}

function refusal(error: unknown): string {
	if (codeOf(error) === 'invalid' && error instanceof Error) return error.message;
	throw error;
}

function sizeOf(size: unknown): number {
	if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
		throw new ImageError('invalid', 'the other region does not say what size the image has');
	return size;
}

/** What another Glance says is as little believed as what a client says, and attributes of every image are no properties. */
function changesBy(
	image: Readonly<Record<string, unknown>>,
	{ extraProperties, parseDraft }: Pick<GlanceDownloadOptions, 'extraProperties' | 'parseDraft'>,
): readonly ImageChange[] {
	const isExtra = ([name, value]: [string, unknown]) =>
		typeof value === 'string' && !isOwn(name) && extraProperties.some((prefix) => name.startsWith(prefix));
	const { disk_format, container_format } = image;
	if (typeof disk_format !== 'string' || typeof container_format !== 'string')
		throw new ImageError('invalid', 'the other region does not say what formats the image has');
	const extra = Object.fromEntries(Object.entries(image).filter(isExtra));
	const { diskFormat = null, containerFormat = null, properties = {} } = parseDraft({ ...extra, disk_format, container_format });
	return [
		{ set: { diskFormat, containerFormat } },
		...Object.entries(properties).map(([setProperty, value]): ImageChange => ({ setProperty, value, when: 'always' })),
	];
}

const OWN: ReadonlySet<string> = new Set([
	...['id', 'name', 'status', 'visibility', 'owner', 'os_hidden', 'tags', 'self', 'file', 'schema', 'checksum', 'stores'],
	...['os_hash_algo', 'os_hash_value', 'created_at', 'updated_at', 'locations', 'direct_url', 'disk_format', 'container_format'],
]);

function isOwn(name: string): boolean {
	return OWN.has(name) || name.startsWith('os_glance');
}
