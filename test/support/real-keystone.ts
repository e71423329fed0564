/**
 * A real Keystone: the one that SUNDOG_TEST_KEYSTONE names (its administrator's password in
 * SUNDOG_TEST_KEYSTONE_PASSWORD), else one of its own, started by the scripts of the reference servers.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { temporaryDir } from './temporary-dir.ts';

const SERVERS = process.env.SUNDOG_REFERENCE_SERVERS ?? fileURLToPath(new URL('../../../shared/servers', import.meta.url));
const START_TIMEOUT_MS = 120_000;
const run = promisify(execFile);

export interface RealKeystone extends AsyncDisposable {
	/** with the version */
	readonly url: string;
	/** One request as the administrator of the whole system. */
	admin(method: string, path: string, body?: object): Promise<KeystoneReply>;
	ask(method: string, path: string, token?: string, body?: object): Promise<KeystoneReply>;
	/** Makes a project and a user in it, with these roles. */
	user(...roles: readonly string[]): Promise<RealUser>;
	/** A token, by the identity part of a login. */
	token(identity: object, scope?: object): Promise<string>;
}

export interface RealUser {
	readonly id: string;
	readonly name: string;
	readonly password: string;
	readonly project: string;
	/** scoped to the project unless another scope is given */
	token(scope?: object): Promise<string>;
	applicationCredential(fields?: object): Promise<{ readonly id: string; readonly secret: string; token(): Promise<string> }>;
}

export interface KeystoneReply {
	readonly status: number;
	readonly headers: Headers;
	// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies they know
	readonly json: any;
}

/** Why there is none, in words, when it cannot be had. */
export async function realKeystone({ jws = false } = {}): Promise<RealKeystone | string> {
	const given = process.env.SUNDOG_TEST_KEYSTONE;
	await using stack = new AsyncDisposableStack();
	try {
		if (given !== undefined && jws) return 'SUNDOG_TEST_KEYSTONE decides by itself what its tokens are';
		const started =
			given === undefined
				? await (jws ? startSigning(stack) : startPlain(stack))
				: { url: `${given.replace(/\/(v3\/?)?$/, '')}/v3`, password: process.env.SUNDOG_TEST_KEYSTONE_PASSWORD ?? 'admin-pw' };
		if (typeof started === 'string') return started;
		return await conversation(started, stack);
	} catch (error) {
		return `no Keystone: ${error instanceof Error ? error.message.split('\n').slice(-3).join(' ') : error}`;
	}
}

type Started = { readonly url: string; readonly password: string } | string;

async function startPlain(stack: AsyncDisposableStack): Promise<Started> {
	const script = join(SERVERS, 'keystone-server');
	if (!existsSync(script)) return `${script} is missing`;
	const dir = stack.use(await temporaryDir());
	const port = await freePort();
	const env = { ...process.env, KEYSTONE_DIR: join(dir.path, 'keystone'), KEYSTONE_PORT: String(port), KEYSTONE_PROCS: '1' };
	stack.defer(() => run(script, ['stop'], { env }).then(() => undefined));
	await run(script, ['start'], { env, timeout: START_TIMEOUT_MS });
	return { url: `http://127.0.0.1:${port}/v3`, password: 'admin' };
}

/** Tokens that are signed (ES256) instead of encrypted. */
async function startSigning(stack: AsyncDisposableStack): Promise<Started> {
	const script = join(SERVERS, 'openstack', 'keystone-start');
	if (!existsSync(script)) return `${script} is missing`;
	const dir = stack.use(await temporaryDir());
	const port = await freePort();
	const own = { WORKDIR: dir.path, KEYSTONE_PORT: String(port), KEYSTONE_PROCS: '1', DB: 'sqlite', TOKEN_PROVIDER: 'jws' };
	const env = { ...process.env, ...own };
	stack.defer(() => run(join(SERVERS, 'openstack', 'keystone-stop'), [], { env }).then(() => undefined));
	await run(script, [], { env, timeout: START_TIMEOUT_MS });
	return { url: `http://127.0.0.1:${port}/v3`, password: 'admin-pw' };
}

async function conversation({ url, password }: Exclude<Started, string>, starting: AsyncDisposableStack): Promise<RealKeystone> {
	const ask: RealKeystone['ask'] = async (method, path, token, body) => {
		const headers = { 'content-type': 'application/json', ...(token !== undefined && { 'x-auth-token': token }) };
		const response = await fetch(`${url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
		const text = await response.text();
		return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) };
	};
	const token: RealKeystone['token'] = async (identity, scope) => {
		const { status, headers, json } = await ask('POST', '/auth/tokens', undefined, {
			auth: { identity, ...(scope && { scope }) },
		});
		const got = headers.get('x-subject-token');
		if (status !== 201 || got === null) throw new Error(`no token: ${status} ${JSON.stringify(json)}`);
		return got;
	};
	const byPassword = (user: object) => ({ methods: ['password'], password: { user } });
	const root = await token(byPassword({ name: 'admin', password, domain: { id: 'default' } }), { system: { all: true } });
	const admin: RealKeystone['admin'] = async (method, path, body) => {
		const reply = await ask(method, path, root, body);
		if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.json)}`);
		return reply;
	};
	const stack = starting.move();
	return {
		url,
		admin,
		ask,
		token,
		async user(...roles) {
			const name = `sundog-test-${randomUUID()}`;
			const secret = randomUUID();
			const domain_id = 'default';
			const project: string = (await admin('POST', '/projects', { project: { name, domain_id } })).json.project.id;
			stack.defer(async () => void (await admin('DELETE', `/projects/${project}`)));
			const id: string = (await admin('POST', '/users', { user: { name, domain_id, password: secret } })).json.user.id;
			stack.defer(async () => void (await admin('DELETE', `/users/${id}`)));
			for (const role of roles) {
				const [found] = (await admin('GET', `/roles?name=${role}`)).json.roles;
				await admin('PUT', `/projects/${project}/users/${id}/roles/${found.id}`);
			}
			const own = (scope: object = { project: { id: project } }) => token(byPassword({ id, password: secret }), scope);
			return {
				id,
				name,
				password: secret,
				project,
				token: own,
				async applicationCredential(fields = {}) {
					const body = { application_credential: { name: randomUUID(), ...fields } };
					const { status, json } = await ask('POST', `/users/${id}/application_credentials`, await own(), body);
					if (status !== 201) throw new Error(`no application credential: ${status} ${JSON.stringify(json)}`);
					const made: { readonly id: string; readonly secret: string } = json.application_credential;
					const application_credential = { id: made.id, secret: made.secret };
					return {
						...application_credential,
						token: () => token({ methods: ['application_credential'], application_credential }),
					};
				},
			};
		},
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}
