/** Finds the running node of a data directory and speaks to its admin API. Every failure is one line and an exit code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Readable } from 'node:stream';
import type { Config } from '#config/config.ts';
import { formatAddress } from '#config/parse.ts';
import { CliError, EXIT } from './exit-codes.ts';

/** `<dataDir>/node.json`: written by a node when it serves, removed when it stops. */
interface NodeFile {
	readonly http: string;
	readonly pid: number;
	readonly adminTokenFile?: string;
}

export interface AdminClient {
	get(path: string): Promise<unknown>;
	post(path: string, body: object): Promise<unknown>;
	/** Any request of the REST API; the caller judges what the node answered. */
	ask(method: string, path: string, body?: object): Promise<Reply>;
	/** An answer of many lines of JSON, as they come; fails when it ends before its end. */
	lines(method: string, path: string, body?: object): AsyncIterable<Line>;
	/** `GET /healthcheck`, for which nobody needs a token */
	ping(): Promise<void>;
}

export type Line = Readonly<Record<string, unknown>>;

export interface Reply {
	readonly status: number;
	/** parsed JSON; undefined when it is none */
	readonly body: unknown;
	/** the node's own words, for a status that is not one of success */
	readonly problem: string;
}

const TIMEOUT_MS = 30_000;
/** between two lines: a node that reads a large object says so now and then, and waits for a store for two minutes */
const LINE_TIMEOUT_MS = 300_000;
/** An answer of the admin API is small; more is somebody else's server. */
const MAX_MESSAGE_CHARS = 300;

/** `named`: SUNDOG_LISTEN was set, so the node may be asked there when the data directory does not say where it is. */
export function adminClient(config: Config, { named }: { readonly named: boolean }): AdminClient {
	const { url, tokenFile } = findNode(config, named);
	const token = config.auth.adminToken ?? readToken(tokenFile);
	const send = (
		method: string,
		path: string,
		body?: object,
		signal: AbortSignal = AbortSignal.timeout(TIMEOUT_MS),
	): Promise<Response> => {
		const json = { Accept: 'application/json', 'Content-Type': 'application/json' };
		const headers = { ...(token === undefined ? {} : { 'X-Auth-Token': token }), ...json };
		const init = { method, headers, redirect: 'error' as const, signal, ...(body && { body: JSON.stringify(body) }) };
		return connect(new URL(path, url), init);
	};
	return {
		get: async (path) => answer(await send('GET', path), token !== undefined),
		post: async (path, body) => answer(await send('POST', path, body), token !== undefined),
		async ask(method, path, body) {
			const response = await send(method, path, body);
			if (response.status === 401) return unknownToken(token !== undefined);
			const text = await response.text();
			return { status: response.status, body: parseJson(text), problem: messageOf(text) ?? response.statusText };
		},
		async *lines(method, path, body) {
			using patience = patient(LINE_TIMEOUT_MS);
			const response = await send(method, path, body, patience.signal);
			if (!response.ok || response.body === null) await answer(response, token !== undefined);
			else yield* linesOf(response.body, patience.touch);
		},
		async ping() {
			const signal = AbortSignal.timeout(TIMEOUT_MS);
			const response = await connect(new URL('/healthcheck', url), { redirect: 'error', signal });
			if (!response.ok) refuse(`the node is not well (${response.status})`);
		},
	};
}

/** Aborts when nothing has touched it for so long. */
function patient(ms: number): { readonly signal: AbortSignal; touch(): void } & Disposable {
	const controller = new AbortController();
	const timer = setTimeout(() => controller.abort(new Error(`nothing came for ${ms / 1000} s`)), ms);
	return {
		signal: controller.signal,
		touch: () => void timer.refresh(),
		[Symbol.dispose]: () => clearTimeout(timer),
	};
}

async function* linesOf(body: ReadableStream<Uint8Array>, touch: () => void): AsyncGenerator<Line> {
	try {
		for await (const text of createInterface({ input: Readable.fromWeb(body), crlfDelay: Number.POSITIVE_INFINITY })) {
			touch();
			const line = (parseJson(text) ?? refuse('the node answered with a line that is not JSON')) as Line;
			if (line.end === true) return;
			if (typeof line.failed === 'string') refuse(line.failed);
			yield line;
		}
	} catch (cause) {
		if (cause instanceof CliError) throw cause;
		throw new CliError(EXIT.failure, `the node's answer was cut: ${(cause as Error).message}`, { cause });
	}
	refuse("the node's answer was cut");
}

function findNode(config: Config, named: boolean): { readonly url: string; readonly tokenFile: string } {
	const tokenFile = join(config.dataDir, 'admin-token');
	const found = readNodeFile(config.dataDir);
	if (found !== undefined) return { url: found.http, tokenFile: found.adminTokenFile ?? tokenFile };
	if (named && config.listen.port !== 0) return { url: `http://${formatAddress(reachable(config.listen))}`, tokenFile };
	throw new CliError(
		EXIT.noNode,
		`no node runs with data directory ${config.dataDir}; start it, or set SUNDOG_DATA_DIR or SUNDOG_LISTEN`,
	);
}

function readNodeFile(dataDir: string): NodeFile | undefined {
	const path = join(dataDir, 'node.json');
	const text = readIfThere(path);
	if (text === undefined) return undefined;
	const file = parseJson(text) as NodeFile | undefined;
	if (typeof file?.http !== 'string' || typeof file.pid !== 'number')
		throw new CliError(EXIT.failure, `${path} is damaged; restart the node`);
	return isAlive(file.pid) ? file : undefined;
}

/** A node that was killed leaves its file behind. */
function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
}

/** One listens on all addresses, but connects to one. */
function reachable({ host, port }: Config['listen']): Config['listen'] {
	return { host: host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port };
}

function readToken(path: string): string | undefined {
	return readIfThere(path)?.trim();
}

function readIfThere(path: string): string | undefined {
	try {
		return readFileSync(path, 'utf8');
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
		throw new CliError(EXIT.failure, `${path} cannot be read: ${message}`, { cause: error });
	}
}

async function connect(url: URL, init: RequestInit): Promise<Response> {
	try {
		return await fetch(url, init);
	} catch (error) {
		const { cause } = error as { readonly cause?: { readonly code?: string; readonly message?: string } };
		const why = cause?.code ?? cause?.message ?? (error as Error).message;
		throw new CliError(EXIT.noNode, `no node answers at ${url.origin} (${why})`, { cause: error });
	}
}

async function answer(response: Response, withToken: boolean): Promise<unknown> {
	const text = await response.text();
	if (response.ok)
		return parseJson(text) ?? refuse(`the node's answer is not JSON: is ${new URL(response.url).origin} a Sundog node?`);
	if (response.status === 401) return unknownToken(withToken);
	if (response.status === 404) return refuse(`${new URL(response.url).origin} has no admin API: is it a Sundog node?`);
	return refuse(`the node refused (${response.status}): ${messageOf(text) ?? response.statusText}`);
}

function unknownToken(withToken: boolean): never {
	return refuse(withToken ? 'the node does not know this token' : 'the node asks for a token: set SUNDOG_ADMIN_TOKEN');
}

function refuse(message: string): never {
	throw new CliError(EXIT.failure, message);
}

/** The sentence in an error body: Sundog's JSON, or what is left of a page without its tags. */
function messageOf(text: string): string | undefined {
	const body = parseJson(text) as { readonly message?: unknown; readonly error?: { readonly message?: unknown } } | undefined;
	const found = body?.message ?? body?.error?.message;
	const plain = typeof found === 'string' ? found.replaceAll('<br />', ' ') : text.replaceAll(/<[^>]*>/g, ' ');
	return plain.replaceAll(/\s+/g, ' ').trim().slice(0, MAX_MESSAGE_CHARS) || undefined;
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
