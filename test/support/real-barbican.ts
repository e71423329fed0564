/** A real Barbican before a real Keystone, by the reference servers' scripts; secrets are put into it as their owners would. */
import { randomUUID } from 'node:crypto';
import { type ServerKind, startServer } from './real-servers.ts';

const KEYSTONE: ServerKind = {
	script: 'keystone-server',
	dirVar: 'KEYSTONE_DIR',
	packages: ['keystone', 'uwsgi-core', 'uwsgi-plugin-python3', 'curl'],
	portVars: { KEYSTONE_PORT: 1 },
	env: { KEYSTONE_PROCS: '1' },
};

const barbicanKind = (keystoneUrl: string): ServerKind => ({
	script: 'barbican-server',
	dirVar: 'BARBICAN_DIR',
	packages: ['barbican-api', 'python3-barbican', 'uwsgi-core', 'uwsgi-plugin-python3', 'curl'],
	portVars: { BARBICAN_PORT: 1 },
	env: { BARBICAN_KEYSTONE_URL: keystoneUrl },
});

/** As the seed of Keystone makes them: each has a password like its name. */
export type Person = 'demo' | 'alt' | 'glance';

export interface Secret {
	readonly payload: Buffer;
	/** default: certificate */
	readonly type?: string;
	/** default: application/octet-stream */
	readonly contentType?: 'application/octet-stream' | 'text/plain';
}

export interface RealBarbican extends AsyncDisposable {
	readonly missing: false;
	/** without the version */
	readonly url: string;
	/** with the version */
	readonly keystoneUrl: string;
	/** Scoped to the project that each has: `glance` acts in `service`. */
	token(person: Person): Promise<string>;
	/** Stored by its owner; the id. */
	store(owner: Person, secret: Secret): Promise<string>;
	/** What Barbican answers to who asks for it. */
	status(person: Person, id: string): Promise<number>;
	/** Registers that a server of Nova uses it. */
	use(owner: Person, id: string): Promise<void>;
	/** Lets one more person read it. */
	share(owner: Person, id: string, reader: Person): Promise<void>;
}

/** A server, or why there is none. */
export async function realBarbican(): Promise<RealBarbican | { readonly missing: string }> {
	await using stack = new AsyncDisposableStack();
	const keystone = await startServer(KEYSTONE);
	if (keystone.missing !== false) return keystone;
	stack.use(keystone);
	const keystoneUrl = keystone.env.KEYSTONE_URL ?? '';
	const barbican = await startServer(barbicanKind(keystoneUrl));
	if (barbican.missing !== false) return barbican;
	stack.use(barbican);
	const url = barbican.env.BARBICAN_URL ?? '';
	await keystone.script('endpoint', 'key-manager', 'barbican', url);

	const token = async (person: Person) => {
		const project = person === 'glance' ? 'service' : person;
		return (await keystone.script('token', person, person, project)).stdout.trim();
	};
	const ask = async (method: string, path: string, by: Person, body: object) => {
		const headers = {
			'content-type': 'application/json',
			'openstack-api-version': 'key-manager 1.1',
			'x-auth-token': await token(by),
		};
		const response = await fetch(`${url}/v1/secrets${path}`, { method, headers, body: JSON.stringify(body) });
		if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
		return (await response.json()) as { readonly secret_ref?: string };
	};
	const running = stack.move();
	return {
		missing: false,
		url,
		keystoneUrl,
		token,
		async store(owner, { payload, type = 'certificate', contentType = 'application/octet-stream' }) {
			const coded =
				contentType === 'text/plain'
					? { payload: payload.toString() }
					: { payload: payload.toString('base64'), payload_content_encoding: 'base64' };
			const made = await ask('POST', '', owner, { secret_type: type, payload_content_type: contentType, ...coded });
			return made.secret_ref?.split('/').at(-1) ?? '';
		},
		async status(person, id) {
			return (await fetch(`${url}/v1/secrets/${id}`, { headers: { 'x-auth-token': await token(person) } })).status;
		},
		async use(owner, id) {
			await ask('POST', `/${id}/consumers`, owner, { service: 'nova', resource_type: 'server', resource_id: randomUUID() });
		},
		async share(owner, id, reader) {
			const users = [await idOf(keystoneUrl, await token(reader))];
			await ask('PUT', `/${id}/acl`, owner, { read: { users, 'project-access': true } });
		},
		[Symbol.asyncDispose]: () => running.disposeAsync(),
	};
}

async function idOf(keystoneUrl: string, token: string): Promise<string> {
	const headers = { 'x-auth-token': token, 'x-subject-token': token };
	const { token: said } = (await (await fetch(`${keystoneUrl}/auth/tokens`, { headers })).json()) as {
		readonly token: { readonly user: { readonly id: string } };
	};
	return said.user.id;
}
