import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Download, DownloadWish, ImageController } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import { holdsAlready, rangeApplies } from '#http/wire/conditions.ts';
import type { ImageRules } from '#http/wire/image-rules.ts';
import { type RequestedRange, requestedRange } from '#http/wire/ranges.ts';
import type { AppContext } from '../env.ts';
import { problemText } from '../problems.ts';
import { type BodyPace, requestBody } from '../request-body.ts';
import { commonHeaders, respond } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';
import { sendBytes } from '../send-bytes.ts';
import { idOf, mediaType } from './images.ts';

export interface DataLimits {
	readonly pace?: BodyPace;
	/** a download whose client takes nothing for so long is cut */
	readonly stallMs?: number;
}

export interface DataRules extends Pick<ImageRules, 'storesShown'> {
	/** `glance-direct` is an import method here: without it nothing can be staged */
	readonly stages: boolean;
}

const DEFAULT_STALL_MS = 60_000;

/**
 * Image API v2, "Image data". Bytes go between socket and domain as they are: neither direction touches a Web Stream.
 */
type DataVerbs = Pick<ImageController, 'upload' | 'stage' | 'download'>;

export function imageDataRoutes(images: DataVerbs, rules: DataRules, limits: DataLimits = {}): readonly Route[] {
	const hasStores = rules.storesShown !== 'none';

	async function take(c: AppContext, verb: 'upload' | 'stage'): Promise<Response> {
		if (verb === 'stage' && !rules.stages) throw new ImageError('not-found', 'nothing can be staged here');
		if (mediaType(c) !== 'application/octet-stream')
			throw new ImageError('unsupported-type', 'image data must be sent as application/octet-stream');
		const declaredSize = declaredSizeOf(c);
		const data = requestBody(c.env.incoming, c.env.outgoing, limits.pace);
		const store = hasStores && verb === 'upload' ? c.req.header('x-image-meta-store') : undefined;
		const image = await images[verb](c.var.ctx, idOf(c), {
			data,
			maxBytes: Number.MAX_SAFE_INTEGER,
			...(declaredSize !== undefined && { declaredSize }),
			...(store !== undefined && { store }),
		});
		c.set('dataBytes', image.size ?? 0);
		return respond(c, 204, null);
	}

	async function download(c: AppContext): Promise<Response> {
		const found = await images.download(c.var.ctx, idOf(c), wishOf(c));
		if (found.size === null) return respond(c, 204, null);
		const headers = dataHeaders(found);
		if (holdsAlready(c.req.header('if-none-match'), headers.etag)) return respond(c, 304, null, { etag: headers.etag });
		const wanted = wantedOf(c, found.size, headers.etag);
		if (wanted.kind === 'unsatisfiable')
			return problemText(c, 416, 'the requested range cannot be satisfied', { 'content-range': `bytes */${found.size}` });
		const range = wanted.kind === 'part' ? wanted.range : { start: 0, end: found.size };
		const status = wanted.kind === 'part' ? 206 : 200;
		const all = {
			...commonHeaders(c),
			...headers,
			...(wanted.kind === 'part' && { 'content-range': `bytes ${range.start}-${range.end - 1}/${found.size}` }),
		};
		const length = range.end - range.start;
		if (c.env.incoming.method === 'HEAD') return respond(c, status, null, { ...all, 'content-length': String(length) });
		await sendBytes(c.env.outgoing, found.read(range, { signal: c.var.ctx.signal }), {
			status,
			headers: all,
			length,
			stallMs: limits.stallMs ?? DEFAULT_STALL_MS,
			onSent: (bytes) => c.set('dataBytes', c.var.dataBytes + bytes),
		});
		return RESPONSE_ALREADY_SENT;
	}

	function wishOf(c: AppContext): DownloadWish {
		const prefer = c.req.query('prefer');
		if (prefer === undefined) return {};
		if (!hasStores) throw new ImageError('invalid', 'a store cannot be preferred where there is only one');
		return { prefer: prefer.split(',').filter((store) => store !== '') };
	}

	return [
		{
			path: '/v2/images/:id/file',
			methods: { GET: bodyless(download), HEAD: bodyless(download), PUT: (c) => take(c, 'upload') },
		},
		{ path: '/v2/images/:id/stage', methods: { PUT: (c) => take(c, 'stage') } },
	];
}

/** X-OpenStack-Image-Size says more than Content-Length: it also holds when the body comes in chunks. */
function declaredSizeOf(c: AppContext): number | undefined {
	const declared = c.req.header('x-openstack-image-size') ?? c.req.header('content-length');
	if (declared === undefined) return undefined;
	if (!/^\d{1,15}$/.test(declared)) throw new ImageError('invalid', 'x-openstack-image-size must be a number of bytes');
	return Number(declared);
}

/** Content-MD5 is Glance's: hexadecimal, of the whole image, also beside a part. */
function dataHeaders({ image }: Download): { readonly etag: string } & Record<string, string> {
	return {
		'content-type': 'application/octet-stream',
		'accept-ranges': 'bytes',
		etag: `"${image.hashValue ?? image.content?.root ?? image.id}"`,
		...(image.checksum !== null && { 'content-md5': image.checksum }),
	};
}

function wantedOf(c: AppContext, size: number, etag: string): RequestedRange {
	if (!rangeApplies(c.req.header('if-range'), etag)) return { kind: 'whole' };
	return requestedRange({ range: c.req.header('range'), contentRange: c.req.header('content-range') }, size);
}
