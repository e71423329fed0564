/** Requests to accounts of Swift's: with a token that is renewed when it is not taken, and statuses in the words of stores. */
import type { IncomingMessage } from 'node:http';
import { type ErrorCode, ImageError } from '#domain/errors.ts';
import type { RequestBody } from './exchange.ts';
import type { Http, HttpAnswer } from './http.ts';
import { accountUrl } from './locations.ts';
import type { Session } from './session.ts';

export interface SwiftRequest {
	readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
	/** absent: of the account itself */
	readonly container?: string;
	readonly object?: string;
	readonly query?: Readonly<Record<string, string>>;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: RequestBody;
	readonly signal: AbortSignal;
}

export interface Account {
	/** Answers of any status but 401 resolve. */
	ask(request: SwiftRequest): Promise<HttpAnswer>;
	open(request: SwiftRequest): Promise<IncomingMessage>;
	/** as locations begin with it */
	url(signal: AbortSignal): Promise<string>;
}

/** The account of a session's own project, or of another. */
export function createAccount(http: Http, session: Session, project?: string): Account {
	/** Undefined when the token is not taken and another may be. */
	async function attempt<T>(
		request: SwiftRequest,
		send: (url: string, token: string) => Promise<T>,
		statusOf: (answer: T) => number,
	) {
		const admission = await session.admission(request.signal);
		const answer = await send(`${accountUrl(admission, project)}${pathOf(request)}`, admission.token);
		if (statusOf(answer) !== 401) return answer;
		session.forget(admission.token);
		return undefined;
	}

	async function withToken<T>(
		request: SwiftRequest,
		send: (all: Parameters<Http['ask']>[0]) => Promise<T>,
		statusOf: (answer: T) => number,
	) {
		let begun = false;
		const body = watched(request.body, () => {
			begun = true;
		});
		const once = () =>
			attempt(
				request,
				(url, token) =>
					send({
						method: request.method,
						url,
						headers: { ...request.headers, 'x-auth-token': token },
						...(body && { body }),
						signal: request.signal,
					}),
				statusOf,
			);
		const first = await once();
		if (first !== undefined) return first;
		if (begun) throw new ImageError('unavailable', 'the token ended while bytes were sent');
		const second = await once();
		if (second === undefined) throw new ImageError('forbidden', 'swift takes no token of this credential');
		return second;
	}

	return {
		ask: (request) =>
			withToken(
				request,
				(all) => http.ask(all),
				({ status }) => status,
			),
		open: (request) =>
			withToken(
				request,
				async (all) => {
					const response = await http.open(all);
					if (response.statusCode === 401) response.destroy();
					return response;
				},
				({ statusCode }) => statusCode ?? 0,
			),
		url: async (signal) => accountUrl(await session.admission(signal), project),
	};
}

function watched(body: RequestBody | undefined, onRead: () => void): RequestBody | undefined {
	if (body === undefined || Buffer.isBuffer(body)) return body;
	return {
		...body,
		read() {
			onRead();
			return body.read();
		},
	};
}

function pathOf({ container, object, query }: SwiftRequest): string {
	const names = [container, object].filter((each) => each !== undefined).map((name) => `/${encodeName(name)}`);
	return `${names.join('')}${query === undefined ? '' : `?${new URLSearchParams(query)}`}`;
}

export function encodeName(name: string): string {
	return name.split('/').map(encodeURIComponent).join('/');
}

const CODES: Readonly<Record<number, ErrorCode>> = {
	401: 'forbidden',
	403: 'forbidden',
	404: 'not-found',
	408: 'unavailable',
	409: 'conflict',
	412: 'conflict',
	413: 'full',
	429: 'unavailable',
	498: 'unavailable',
	499: 'unavailable',
	507: 'full',
};

/** Why it did not go as wanted. */
export function refusal(status: number, what: string): ImageError {
	const code = CODES[status] ?? (status >= 500 ? 'unavailable' : 'store-failed');
	return new ImageError(code, `${what}: swift answers ${status}`);
}
