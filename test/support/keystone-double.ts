/**
 * A small HTTP server that gives Keystone's answers, for what the real one cannot be made to do: to be slow, to talk
 * nonsense, to forget. test/interop/keystone.test.ts asks the real one.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface KeystoneDouble extends AsyncDisposable {
	/** without the version */
	readonly url: string;
	/** `POST /v3/auth/tokens`, in the order of arriving, bodies not included */
	readonly requests: { readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers'] }[];
	readonly logins: unknown[];
	/** tokens of users and what they say; others are 404 */
	readonly tokens: Map<string, object>;
	/** what OS-REVOKE lists */
	readonly revocations: object[];
	/** tokens of the node that are taken; a login adds one */
	readonly own: Set<string>;
	/** how many validations were asked for */
	validations(): number;
	/** Answers instead of Keystone, when it says so by returning true. */
	interrupt(by: (request: IncomingMessage, response: ServerResponse) => boolean): void;
}

export const PASSWORD = 'canary-password';

export async function startKeystoneDouble({ clock = Date.now, ownLifeMs = 3600_000 } = {}): Promise<KeystoneDouble> {
	const requests: KeystoneDouble['requests'] = [];
	const logins: unknown[] = [];
	const tokens: KeystoneDouble['tokens'] = new Map();
	const revocations: object[] = [];
	const own = new Set<string>();
	let interruption: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
	const server = createServer(async (request, response) => {
		const { method = '', url = '', headers } = request;
		requests.push({ method, url, headers });
		if (interruption(request, response)) return;
		const path = url.replace(/\?.*$/, '');
		if (method === 'POST' && path === '/v3/auth/tokens') return login(request, response);
		if (!own.has(String(headers['x-auth-token']))) return send(response, 401, refusal(401));
		if (path === '/v3/OS-REVOKE/events') return send(response, 200, { events: revocations });
		const subject = tokens.get(String(headers['x-subject-token']));
		send(response, subject === undefined ? 404 : 200, subject === undefined ? refusal(404) : { token: subject });
	});

	async function login(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const body = (await json(request)) as { readonly auth: { readonly identity: { readonly password?: PasswordPart } } };
		logins.push(body);
		const { password } = body.auth.identity;
		if (password !== undefined && password.user.password !== PASSWORD) return send(response, 401, refusal(401));
		const token = `own-token-${logins.length}`;
		own.add(token);
		const issued_at = iso(clock());
		send(response, 201, { token: { issued_at, expires_at: iso(clock() + ownLifeMs) } }, { 'x-subject-token': token });
	}

	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		requests,
		logins,
		tokens,
		revocations,
		own,
		validations: () => requests.filter(({ method, url }) => method === 'GET' && url.startsWith('/v3/auth/tokens')).length,
		interrupt(by) {
			interruption = by;
		},
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

/** What Keystone says of a token of the project `demo-project`. */
export function tokenBody({
	expiresAt = Date.now() + 3600_000,
	...fields
}: {
	readonly expiresAt?: number;
	readonly [field: string]: unknown;
} = {}) {
	return {
		methods: ['password'],
		user: { id: 'demo-user', name: 'demo', domain: { id: 'default', name: 'Default' } },
		project: { id: 'demo-project', name: 'demo', domain: { id: 'project-domain', name: 'Projects' } },
		roles: [
			{ id: '1', name: 'Member' },
			{ id: '2', name: 'reader' },
		],
		expires_at: iso(expiresAt),
		issued_at: iso(expiresAt - 3600_000),
		...fields,
	};
}

interface PasswordPart {
	readonly user: { readonly password: string };
}

function iso(ms: number): string {
	return new Date(ms).toISOString().replace('Z', '000Z');
}

function refusal(code: number): object {
	return { error: { code, message: 'said by keystone', title: 'refused' } };
}

function send(response: ServerResponse, status: number, body: object, headers: Readonly<Record<string, string>> = {}): void {
	response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
