/**
 * The http store: images that lie on a web server, read-only. Clients name the locations, so everything is asked through
 * #lib/web/client.ts, which reaches nothing that an operator has not allowed. `docs/stores/http.md`.
 */
import type { ByteRange } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import { createWebClient, type WebClientOptions } from '#lib/web/client.ts';
import type { WebAnswer } from '#lib/web/pinned-request.ts';
import { WebError } from '#lib/web/web-error.ts';
import type { DriverKind, DriverManifest, StoreDriver } from '../driver.ts';
import { expectPart, expectStatus, sizeOfPart, sizeOfWhole } from './http/answers.ts';
import { parseHttpLocation } from './http/location.ts';
import { type HttpSettings, httpSettings } from './http/options.ts';

const manifest: DriverManifest = {
	type: 'http',
	schemes: ['http', 'https'],
	writable: false,
	ranged: true,
	removable: false,
	adoptsFiles: false,
};

export const http: DriverKind = {
	manifest,
	check: (options) => void httpSettings(options),
	open: async (options) => openHttp(httpSettings(options)),
	properties: () => ({}),
};

/** Glance's */
const REDIRECTS = { most: 5, statuses: [301, 302] };
/** Servers that know no method HEAD say so by these. */
const NO_HEAD = [405, 501];

/** Of the world around; for tests. */
type HttpWeb = Pick<WebClientOptions, 'resolve' | 'ownAddresses' | 'answerMs'>;

export function openHttp(settings: HttpSettings, web: HttpWeb = {}): StoreDriver {
	const { ca, insecure, trustedHosts, ports } = settings;
	const client = createWebClient({
		...web,
		filter: { allowedPorts: ports, trustedHosts },
		redirects: REDIRECTS,
		tls: { rejectUnauthorized: !insecure, ...(ca !== undefined && { ca }) },
	});

	async function ask(location: string, signal: AbortSignal, { method, range }: Question = {}): Promise<WebAnswer> {
		const { url, authorization } = parseHttpLocation(location);
		const headers = range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}` };
		const question = { headers, signal, ...(method && { method }), ...(authorization && { authorization }) };
		return client.ask(url, question).catch(tell);
	}

	async function sizeByRange(location: string, signal: AbortSignal): Promise<number> {
		using answer = await ask(location, signal, { range: { start: 0, end: 1 } });
		expectStatus(answer, 200, 206);
		return answer.status === 206 ? sizeOfPart(answer) : sizeOfWhole(answer);
	}

	async function* whole(location: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
		using answer = await ask(location, signal);
		expectStatus(answer, 200);
		yield* slice(answer, { start: 0, end: sizeOfWhole(answer) });
	}

	async function* part(location: string, range: ByteRange, signal: AbortSignal): AsyncGenerator<Uint8Array> {
		using answer = await ask(location, signal, { range });
		expectStatus(answer, 200, 206);
		if (answer.status === 206) {
			expectPart(answer, range);
			yield* slice(answer, { start: 0, end: range.end - range.start });
			return;
		}
		const size = sizeOfWhole(answer);
		if (size < range.end) throw new ImageError('store-failed', 'the object is shorter than the range asked for');
		if (range.end - range.start < size) throw new ImageError('whole-only', 'the server gives whole images only');
		yield* slice(answer, range);
	}

	return {
		manifest,
		put: () => Promise.reject(readOnly()),
		async *get(location, range, { signal }) {
			if (range === 'whole') yield* whole(location, signal);
			else if (range.start < range.end) yield* part(location, range, signal);
		},
		async stat(location, { signal }) {
			using answer = await ask(location, signal, { method: 'HEAD' });
			if (NO_HEAD.includes(answer.status)) return { size: await sizeByRange(location, signal) };
			expectStatus(answer, 200);
			return { size: sizeOfWhole(answer) };
		},
		remove: () => Promise.reject(readOnly()),
		locate: () => undefined,
		// there is no server that all locations share
		check: async () => {},
		async [Symbol.asyncDispose]() {},
	};
}

interface Question {
	readonly method?: 'HEAD';
	readonly range?: ByteRange;
}

/** Of the body, these bytes and no others. */
async function* slice(answer: WebAnswer, { start, end }: ByteRange): AsyncGenerator<Uint8Array> {
	let position = 0;
	try {
		for await (const chunk of answer.body()) {
			const wanted = chunk.subarray(Math.max(0, start - position), end - position);
			position += chunk.length;
			if (wanted.length > 0) yield wanted;
			if (position >= end) return;
		}
	} catch (error) {
		tell(error);
	}
	throw new ImageError('unavailable', 'the body ended before its end');
}

function readOnly(): ImageError {
	return new ImageError('invalid', 'a web server takes no images and lets none go');
}

/** In the words of stores: to ask once more may help against slowness. */
function tell(error: unknown): never {
	if (!(error instanceof WebError)) throw error;
	throw new ImageError(error.code === 'invalid' ? 'invalid' : 'unavailable', error.message, { cause: error });
}
