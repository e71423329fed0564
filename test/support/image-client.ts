/** The Image API as a plain HTTP client sees it. No retries: a test sees every answer. */
import { createHash } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { eventually, type Patience } from './eventually.ts';
import type { SampleContent } from './sample-content.ts';

/** What tests look at; the wire has more. */
export interface ImageBody {
	readonly id: string;
	readonly name: string | null;
	readonly status: string;
	readonly size: number | null;
	readonly checksum: string | null;
	readonly os_hash_algo: string | null;
	readonly os_hash_value: string | null;
	/** comma-separated */
	readonly stores?: string;
	readonly [field: string]: unknown;
}

export interface Answer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
	readonly body: string;
}

export interface DownloadOptions {
	/** bytes [start, end) */
	readonly range?: readonly [start: number, end: number];
	/** Told of the image's bytes, not of an error's text; awaited before more is read: a slow client. */
	readonly onData?: (chunk: Buffer, received: number) => void | Promise<void>;
	readonly signal?: AbortSignal;
}

export interface Downloaded {
	readonly status: number;
	/** bytes received */
	readonly size: number;
	/** hex, of what was received */
	readonly sha512: string;
	/** milliseconds from the request to the first byte of the body */
	readonly firstByteMs: number;
}

export interface UploadOptions {
	/** What Content-Length says; `null` sends chunked. Default: the content's size. */
	readonly contentLength?: number | null;
	readonly contentType?: string;
	readonly signal?: AbortSignal;
}

export interface ImageClient extends Disposable {
	call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
	/** Queued, qcow2/bare unless told otherwise. */
	create(fields?: Readonly<Record<string, unknown>>): Promise<ImageBody>;
	/** undefined: 404 */
	show(id: string): Promise<ImageBody | undefined>;
	list(query?: string): Promise<readonly ImageBody[]>;
	/** The answer, whatever its status; a broken connection throws. */
	upload(id: string, content: Pick<SampleContent, 'size' | 'pieces'>, options?: UploadOptions): Promise<Answer>;
	/** create + upload, which must be acknowledged. Returns the image as shown afterwards. */
	add(content: SampleContent, fields?: Readonly<Record<string, unknown>>): Promise<ImageBody>;
	/** Throws when the connection breaks before the declared end. */
	download(id: string, options?: DownloadOptions): Promise<Downloaded>;
	remove(id: string): Promise<Answer>;
	/** Asks for the image until it is there and `holds` says yes. */
	until(id: string, what: string, holds: (image: ImageBody) => boolean, patience?: Patience): Promise<ImageBody>;
}

export function createImageClient(base: string): ImageClient {
	const agent = new Agent({ keepAlive: true });

	const call: ImageClient['call'] = async (method, path, body, headers = {}) => {
		const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
		const response = await send(agent, base, method, path, {
			headers:
				payload === undefined
					? headers
					: { 'content-type': 'application/json', 'content-length': String(payload.length), ...headers },
			...(payload === undefined ? {} : { body: Readable.from([payload]) }),
		});
		return answerOf(response);
	};
	const client: ImageClient = {
		call,
		async create(fields = {}) {
			const answer = await call('POST', '/v2/images', { disk_format: 'raw', container_format: 'bare', ...fields });
			return JSON.parse(expectStatus(answer, 201, 'create')) as ImageBody;
		},
		async show(id) {
			const answer = await call('GET', `/v2/images/${id}`);
			return answer.status === 404 ? undefined : (JSON.parse(expectStatus(answer, 200, `show ${id}`)) as ImageBody);
		},
		async list(query = '') {
			const answer = await call('GET', `/v2/images${query}`);
			return (JSON.parse(expectStatus(answer, 200, 'list')) as { images: ImageBody[] }).images;
		},
		async upload(id, content, { contentLength = content.size, contentType = 'application/octet-stream', signal } = {}) {
			const response = await send(agent, base, 'PUT', `/v2/images/${id}/file`, {
				headers: { 'content-type': contentType, ...(contentLength === null ? {} : { 'content-length': String(contentLength) }) },
				body: Readable.from(content.pieces(), { objectMode: false, highWaterMark: 2 ** 20 }),
				...(signal === undefined ? {} : { signal }),
			});
			return answerOf(response);
		},
		async add(content, fields) {
			const { id } = await client.create(fields);
			expectStatus(await client.upload(id, content), 204, `upload of ${id}`);
			const image = await client.show(id);
			if (image === undefined) throw new Error(`image ${id} is gone after its upload`);
			return image;
		},
		async download(id, { range, onData, signal } = {}) {
			const startedAt = performance.now();
			const response = await send(agent, base, 'GET', `/v2/images/${id}/file`, {
				headers: range === undefined ? {} : { range: `bytes=${range[0]}-${range[1] - 1}` },
				...(signal === undefined ? {} : { signal }),
			});
			const hash = createHash('sha512');
			let size = 0;
			let firstByteMs = Number.NaN;
			for await (const chunk of response as AsyncIterable<Buffer>) {
				if (size === 0) firstByteMs = performance.now() - startedAt;
				hash.update(chunk);
				size += chunk.length;
				if (response.statusCode === 200 || response.statusCode === 206) await onData?.(chunk, size);
			}
			if (!response.complete) throw new Error(`download of ${id} broke off after ${size} bytes`);
			return { status: response.statusCode ?? 0, size, sha512: hash.digest('hex'), firstByteMs };
		},
		remove: (id) => call('DELETE', `/v2/images/${id}`),
		until: (id, what, holds, patience) =>
			eventually(
				`image ${id}: ${what}`,
				async () => {
					const image = await client.show(id);
					return image !== undefined && holds(image) ? image : undefined;
				},
				patience,
			),
		[Symbol.dispose]() {
			agent.destroy();
		},
	};
	return client;
}

/** The stores of an image, as a list. */
export function storesOf(image: ImageBody): readonly string[] {
	return (image.stores ?? '').split(',').filter((store) => store !== '');
}

interface Sending {
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: Readable;
	readonly signal?: AbortSignal;
}

/**
 * Resolves with the head of the answer. An answer that comes before the body is sent (413, 409, …) is an answer, not a
 * broken pipe: the rest of the body is then not sent.
 */
function send(
	agent: Agent,
	base: string,
	method: string,
	path: string,
	{ headers, body, signal }: Sending,
): Promise<IncomingMessage> {
	return new Promise((resolve, reject) => {
		const request = httpRequest(new URL(path, base), { agent, method, headers, ...(signal === undefined ? {} : { signal }) });
		let answered = false;
		request.once('response', (response) => {
			answered = true;
			resolve(response);
			// Half-sent requests cannot be reused.
			if (body !== undefined && !request.writableFinished) response.once('close', () => request.destroy());
		});
		request.once('error', (error) => {
			if (!answered) reject(error);
		});
		if (body === undefined) request.end();
		else
			pipeline(body, request).catch((error: unknown) => {
				// The server may answer and close before it has read everything: give the answer its chance first.
				setTimeout(() => {
					if (!answered) reject(error);
				}, 1000).unref();
			});
	});
}

async function answerOf(response: IncomingMessage): Promise<Answer> {
	const pieces: Buffer[] = [];
	for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
	return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces).toString() };
}

function expectStatus(answer: Answer, status: number, what: string): string {
	if (answer.status !== status) throw new Error(`${what}: ${answer.status} instead of ${status}: ${answer.body}`);
	return answer.body;
}
