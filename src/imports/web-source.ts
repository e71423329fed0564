/** Bytes from the web for clients who name a URL, by the rules of #lib/web/client.ts. `docs/operating.md`, "Tasks". */
import { ImageError } from '#domain/errors.ts';
import { deadline } from '#lib/deadline.ts';
import type { WebFilter } from '#lib/web/address.ts';
import { createWebClient, type WebClientOptions } from '#lib/web/client.ts';
import type { WebAnswer } from '#lib/web/pinned-request.ts';
import { WebError } from '#lib/web/web-error.ts';

export interface WebSource {
	/** `invalid` for a URL that would not be fetched from. Resolves its host, and connects to nobody. */
	check(url: string, options: { readonly signal: AbortSignal }): Promise<void>;
	/**
	 * What is there. Resolves when the answer's head has come: the caller must then iterate `data`, or dispose.
	 * `invalid` for an answer that is no 200, or that is encoded; `unavailable` when there is none; `timeout`.
	 */
	open(url: string, options: WebOpening): Promise<WebBody>;
}

export interface WebOpening {
	readonly signal: AbortSignal;
	/** only for a source without redirects: they would go along */
	readonly headers?: Readonly<Record<string, string>>;
}

export interface WebBody extends Disposable {
	/** bytes, when the server said so */
	readonly size: number | undefined;
	/** Read once. A body that ends before its size is `unavailable`. */
	readonly data: AsyncIterable<Uint8Array>;
}

export interface WebSourceOptions extends Pick<WebClientOptions, 'answerMs' | 'resolve' | 'ownAddresses'> {
	/** Glance's `import_filtering_opts` */
	readonly filtering?: WebFilter;
	/** false: an answer that leads elsewhere is none. Default true */
	readonly redirects?: boolean;
	/** a body that brings nothing for so long is given up. Default 60 s */
	readonly stallMs?: number;
	/** for everything. Default one day */
	readonly wholeMs?: number;
}

const REDIRECTS = { most: 3, statuses: [301, 302, 303, 307, 308] };
const NO_REDIRECTS = { most: 0, statuses: [] };
const DAY_MS = 86_400_000;

export function createWebSource(options: WebSourceOptions = {}): WebSource {
	const { filtering = {}, redirects = true, stallMs = 60_000, wholeMs = DAY_MS, ...rest } = options;
	const client = createWebClient({ ...rest, filter: filtering, redirects: redirects ? REDIRECTS : NO_REDIRECTS });
	return {
		check: (url, { signal }) => client.check(url, signal).catch(tell),
		async open(url, { signal, headers = {} }) {
			using opening = new DisposableStack();
			const whole = opening.use(deadline(wholeMs, new ImageError('timeout', 'the fetch took too long'), signal));
			const answer = opening.use(await client.ask(url, { headers, signal: whole.signal }).catch(tell));
			const size = sizeOf(answer);
			const open = opening.move();
			return { size, data: dataOf(answer, stallMs), [Symbol.dispose]: () => open.dispose() };
		},
	};
}

function sizeOf({ status, headers }: WebAnswer): number | undefined {
	if (status !== 200) throw new ImageError('invalid', `the server answered ${status} instead of 200`);
	const encoding = headers['content-encoding'] ?? 'identity';
	if (encoding !== 'identity')
		throw new ImageError('invalid', 'the server answered with encoded content, which was not asked for');
	const length = headers['content-length'];
	return length === undefined || !/^\d{1,15}$/.test(length) ? undefined : Number(length);
}

async function* dataOf(answer: WebAnswer, stallMs: number): AsyncGenerator<Uint8Array> {
	try {
		yield* answer.body(stallMs);
	} catch (error) {
		tell(error);
	}
}

/** In the domain's words. */
function tell(error: unknown): never {
	throw error instanceof WebError ? new ImageError(error.code, error.message, { cause: error }) : error;
}
