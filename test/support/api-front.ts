/** In front of an HTTP API that answers whole: requests are known by their steps, and a test says what becomes of which. */
import { once } from 'node:events';
import {
	createServer,
	type IncomingHttpHeaders,
	type IncomingMessage,
	type OutgoingHttpHeaders,
	request as requestOf,
	type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request. */
export type Trouble =
	/** it never arrives: the connection is reset */
	| 'refuse'
	/** it is done, and the connection is reset in the middle of the answer */
	| 'lose'
	/** the connection is reset, and it arrives when `deliver` is called */
	| 'late'
	/** it never arrives, and nobody says so */
	| 'hang'
	/** it is done, and nobody hears of it */
	| 'mute'
	/** it arrives with a token that nobody knows */
	| 'spoil'
	/** these bytes are the answer; it never arrives */
	| { readonly raw: string }
	/** this is the answer; `done`: it arrives all the same */
	| { readonly status: number; readonly type: string; readonly body: string; readonly done?: boolean };

export interface ApiFront extends AsyncDisposable {
	/** `http://127.0.0.1:port` */
	readonly url: string;
	/** steps that have begun, in order: `POST /volumes`, `POST /volumes/:id/action os-extend` */
	readonly steps: readonly string[];
	/** Replaces the rule before; nothing is wrong until the first one. */
	rule(troubleOf: (step: string) => Trouble | undefined): void;
	mend(): void;
	/** Passes on what came `late`, one after the other; the answers nobody hears. */
	deliver(): Promise<void>;
	/** Resolves when the next request has been done that is `mute`. */
	muted(): Promise<void>;
}

/** `target`: an address without path. */
export async function startApiFront(target: string): Promise<ApiFront> {
	const steps: string[] = [];
	let toldMuted = () => {};
	let troubleOf: (step: string) => Trouble | undefined = () => undefined;
	let late: Taken[] = [];

	async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const taken = await take(request);
		const step = stepOf(taken);
		steps.push(step);
		const trouble = troubleOf(step);
		if (trouble === 'hang') return;
		if (trouble === 'refuse' || trouble === 'late') {
			if (trouble === 'late') late.push(taken);
			response.socket?.resetAndDestroy();
			return;
		}
		if (typeof trouble === 'object') {
			if ('raw' in trouble) {
				response.socket?.end(trouble.raw);
				return;
			}
			if (trouble.done === true) await pass(target, taken);
			response.writeHead(trouble.status, { 'content-type': trouble.type }).end(trouble.body);
			return;
		}
		const answer = await pass(target, trouble === 'spoil' ? withoutToken(taken) : taken);
		if (trouble === 'mute') {
			toldMuted();
			return;
		}
		if (trouble !== 'lose') response.writeHead(answer.status, headersOf(answer)).end(answer.body);
		else if (answer.body.length === 0) response.socket?.resetAndDestroy();
		else {
			response.writeHead(answer.status, headersOf(answer));
			response.write(answer.body.subarray(0, 1), () => response.socket?.resetAndDestroy());
		}
	}

	const server = createServer((request, response) => {
		serve(request, response).catch(() => response.socket?.resetAndDestroy());
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		steps,
		rule(next) {
			troubleOf = next;
		},
		mend() {
			troubleOf = () => undefined;
		},
		async deliver() {
			const all = late;
			late = [];
			for (const each of all) await pass(target, each);
		},
		muted() {
			const { promise, resolve } = Promise.withResolvers<void>();
			toldMuted = resolve;
			return promise;
		},
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			server.close();
			await once(server, 'close');
		},
	};
}

interface Taken {
	readonly method: string;
	readonly path: string;
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
}

async function take(request: IncomingMessage): Promise<Taken> {
	const { method = '', url: path = '', headers } = request;
	return { method, path, headers, body: await read(request) };
}

async function read(message: IncomingMessage): Promise<Buffer> {
	return Buffer.concat(await Array.fromAsync(message as AsyncIterable<Buffer>));
}

/** Without version, project, ids and query; an action by its name. */
function stepOf({ method, path, body }: Taken): string {
	const [place = ''] = path.split('?');
	const named = place.replace(/^\/v3\/[^/]+/, '').replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, ':id');
	const action = named.endsWith('/action') ? ` ${Object.keys(JSON.parse(body.toString()) as object)[0]}` : '';
	return `${method} ${named}${action}`;
}

function withoutToken(taken: Taken): Taken {
	return { ...taken, headers: { ...taken.headers, 'x-auth-token': 'of-nobody' } };
}

interface Answer {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
}

async function pass(target: string, { method, path, headers, body }: Taken): Promise<Answer> {
	const request = requestOf(new URL(path, target), { method, headers: { ...headers, host: new URL(target).host }, agent: false });
	request.end(body);
	const [response] = (await once(request, 'response')) as [IncomingMessage];
	return { status: response.statusCode ?? 0, headers: response.headers, body: await read(response) };
}

/** The length is said also of an answer without one: what is cut off must be missed. */
function headersOf({ status, headers, body }: Answer): OutgoingHttpHeaders {
	const { connection: _, 'transfer-encoding': __, ...rest } = headers;
	return status === 204 ? rest : { ...rest, 'content-length': String(body.length) };
}
