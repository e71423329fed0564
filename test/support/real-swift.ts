/** A real Swift on loopback, with its own authentication and, where there is a Keystone, with that as well; and a look into it that shares no code with the driver. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { silentLog } from '#lib/log.ts';
import type { StoreDriver } from '#store/driver.ts';
import { swift } from '#store/drivers/swift.ts';
import type { StoreOptions } from '#store/options.ts';
import { claimPortRuns } from './port-runs.ts';
import type { RealKeystone } from './real-keystone.ts';
import { type RealServer, SWIFT, startServer } from './real-servers.ts';
import { temporaryDir } from './temporary-dir.ts';

/** Bytes of a segment where `swift_store_large_object_chunk_size` is 1. */
export const SEGMENT = 1_024_000;
/** Nothing larger is one object there. */
const MAX_FILE_SIZE = 2 * SEGMENT;

export interface RealSwift extends AsyncDisposable {
	readonly missing: false;
	readonly server: RealServer;
	readonly port: number;
	/** of Swift's own authentication */
	readonly authUrl: string;
	/** as test:tester */
	readonly account: AccountView;
	/** All tokens and what is cached of them are forgotten: Swift asks for new ones. */
	forgetTokens(): Promise<void>;
}

export interface AccountView {
	readonly url: string;
	readonly token: string;
	request(method: string, path: string, init?: { headers?: Record<string, string>; body?: string }): Promise<Response>;
	/** names of a container's objects; undefined when it is not there */
	names(container: string): Promise<readonly string[] | undefined>;
}

export async function startSwift(keystone?: RealKeystone): Promise<RealSwift | { readonly missing: string }> {
	const [port = 0, backend = 0] = await claimPortRuns([1, 12]);
	const ports = { SWIFT_PORT: String(port), SWIFT_BACKEND_PORT: String(backend), SWIFT_MAX_FILE_SIZE: String(MAX_FILE_SIZE) };
	const env = { ...ports, ...(keystone && (await withKeystone(keystone, port))) };
	const packages = [...SWIFT.packages, ...(keystone ? ['python3-keystonemiddleware'] : [])];
	const server = await startServer({ ...SWIFT, packages, portVars: {}, env }, { own: true });
	if (server.missing !== false) return server;
	const authUrl = `http://127.0.0.1:${port}/auth/v1.0`;
	return {
		missing: false,
		server,
		port,
		authUrl,
		account: await viewByTempauth(authUrl, 'test:tester', 'testing'),
		async forgetTokens() {
			const memcached = connect(backend + 11, '127.0.0.1');
			memcached.write('flush_all\r\n');
			await once(memcached, 'data');
			memcached.destroy();
		},
		[Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
	};
}

/** A user of Keystone's for the server itself, and its address in the catalogue. */
async function withKeystone(keystone: RealKeystone, port: number): Promise<Record<string, string>> {
	const user = await keystone.user('admin');
	const url = `http://127.0.0.1:${port}/v1/KEY_%(project_id)s`;
	const service = { type: 'object-store', name: 'swift' };
	const service_id: string = (await keystone.admin('POST', '/services', { service })).json.service.id;
	const endpoint = { service_id, interface: 'public', region_id: 'RegionOne', url };
	await keystone.admin('POST', '/endpoints', { endpoint });
	return {
		SWIFT_KEYSTONE_URL: keystone.url,
		SWIFT_KEYSTONE_USER: user.name,
		SWIFT_KEYSTONE_PASSWORD: user.password,
		SWIFT_KEYSTONE_PROJECT: user.name,
	};
}

export async function viewByTempauth(authUrl: string, user: string, key: string): Promise<AccountView> {
	const { headers } = await fetch(authUrl, { headers: { 'x-auth-user': user, 'x-auth-key': key } });
	return viewOf(headers.get('x-storage-url') ?? '', async () => {
		const again = await fetch(authUrl, { headers: { 'x-auth-user': user, 'x-auth-key': key } });
		return again.headers.get('x-auth-token') ?? '';
	});
}

/** An account, seen with tokens that are got anew each time: tests let the server forget them. */
export async function viewOf(url: string, newToken: () => Promise<string>): Promise<AccountView> {
	const request: AccountView['request'] = async (method, path, { headers, body } = {}) =>
		fetch(`${url}/${path}`, {
			method,
			headers: { 'x-auth-token': await newToken(), ...headers },
			...(body !== undefined && { body }),
		});
	return {
		url,
		token: await newToken(),
		request,
		async names(container) {
			const response = await request('GET', `${container}?format=json`);
			if (response.status === 404) return undefined;
			return ((await response.json()) as { name: string }[]).map(({ name }) => name);
		},
	};
}

/** A driver with a folder of its own unless one is given; the folder goes after the test. */
export async function openSwiftDriver(
	t: Pick<TestContext, 'after'>,
	options: StoreOptions,
	workDir?: string,
): Promise<StoreDriver> {
	const dir = workDir === undefined ? await temporaryDir() : undefined;
	if (dir) t.after(() => dir[Symbol.asyncDispose]());
	const signal = new AbortController().signal;
	return swift.open(options, { store: 'depot', log: silentLog, signal, workDir: workDir ?? dir?.path ?? '' });
}
