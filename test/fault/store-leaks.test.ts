/**
 * Secrets of stores that go in and may not come out: every driver, before backends that refuse and repeat in their answers all that they
 * were told, headers and bodies. Looked for in every error, log line, answer and task.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import type { ImageStore } from '#domain/ports/stores.ts';
import type { StoreOptions } from '#store/options.ts';
import { openStores, type StoreSpec } from '#store/stores.ts';
import { freePort } from '../support/free-port.ts';
import { keptLog, spelledOut } from '../support/kept-log.ts';
import { openSiteWithStores } from '../support/site-with-stores.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { opensslMissing, startTlsFront } from '../support/tls-front.ts';
import { startWebServer, type WebAnswer } from '../support/web-server.ts';

/** Looked for by its beginning alone: a shortened or escaped one counts. */
let canaries = 0;
const canary = () => `canary${++canaries}`;
const CANARY = /canary\d/;
const BYTES = Buffer.from('bytes of an image');
const LIMITS = { tries: 2, pauseMs: 1, answerMs: 2000, stallMs: 2000 };

interface Driver {
	readonly type: string;
	/** the driver's settings for a backend at that address, with secrets wherever there may be some; `dir` for files of its own */
	options(port: number, dir: string): Promise<StoreOptions>;
	location(port: number): string;
	/** What lets it begin its work: undefined is an answer that repeats the request. */
	opens?(request: IncomingMessage, port: number, body: string): Opening | undefined;
	/** its backend hears a secret when it opens */
	readonly tells?: true;
	/** speaks https only */
	readonly secure?: true;
}

interface Opening {
	readonly status: number;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: object | string;
}

const KEYSTONE_TOKEN = (port: number) => ({
	token: {
		issued_at: new Date().toISOString(),
		expires_at: new Date(Date.now() + 3600_000).toISOString(),
		project: { id: 'p' },
		user: { id: 'u' },
		catalog: ['object-store', 'volumev3'].map((type) => ({
			type,
			name: type,
			endpoints: [{ interface: 'public', region: 'r', region_id: 'r', url: `http://127.0.0.1:${port}/v1/p` }],
		})),
	},
});

const login = (request: IncomingMessage, port: number): Opening | undefined =>
	request.url?.endsWith('/auth/tokens')
		? { status: 201, headers: { 'x-subject-token': canary() }, body: KEYSTONE_TOKEN(port) }
		: undefined;

const SERVICES = `<Envelope><Body><RetrieveServiceContentResponse><returnval>${[
	'propertyCollector',
	'sessionManager',
	'searchIndex',
	'fileManager',
]
	.map((name) => `<${name} type="${name}">${name}</${name}>`)
	.join('')}</returnval></RetrieveServiceContentResponse></Body></Envelope>`;

const DRIVERS: readonly Driver[] = [
	{
		type: 's3',
		options: async (port) => ({
			s3_store_host: `http://127.0.0.1:${port}`,
			s3_store_access_key: canary(),
			s3_store_secret_key: canary(),
			s3_store_bucket: 'images',
		}),
		location: (port) => `s3://${canary()}:${canary()}@127.0.0.1:${port}/images/x`,
		opens: ({ method }) => (method === 'HEAD' ? { status: 200 } : undefined),
	},
	{
		type: 'swift',
		options: async (port) => ({
			swift_store_auth_version: '1',
			swift_store_auth_address: `http://127.0.0.1:${port}/auth/v1.0`,
			swift_store_user: 'account:user',
			swift_store_key: canary(),
			swift_store_create_container_on_put: 'true',
		}),
		location: (port) => `swift+http://user:${canary()}@127.0.0.1:${port}/auth/v1.0/images/x`,
		tells: true,
		opens: ({ url, method }, port) =>
			url?.startsWith('/auth')
				? { status: 200, headers: { 'x-auth-token': canary(), 'x-storage-url': `http://127.0.0.1:${port}/v1/a` } }
				: method === 'HEAD'
					? { status: 204 }
					: undefined,
	},
	{
		type: 'swift',
		options: async (port) => ({
			swift_store_auth_version: '3',
			swift_store_auth_address: `http://127.0.0.1:${port}/v3`,
			swift_store_user: 'project:user',
			swift_store_key: canary(),
			swift_store_create_container_on_put: 'true',
		}),
		location: (port) => `swift+http://project%3Auser:${canary()}@127.0.0.1:${port}/v3/images/x`,
		tells: true,
		opens: (request, port) => login(request, port) ?? (request.method === 'HEAD' ? { status: 204 } : undefined),
	},
	{
		type: 'cinder',
		options: async (port) => ({
			cinder_store_auth_address: `http://127.0.0.1:${port}/v3`,
			cinder_store_user_name: 'user',
			cinder_store_password: canary(),
			cinder_store_project_name: 'project',
			cinder_catalog_info: 'volumev3::publicURL',
			cinder_http_retries: '0',
		}),
		location: () => `cinder://images/${randomUUID()}`,
		tells: true,
		opens: login,
	},
	{
		type: 'cinder',
		options: async (port) => ({
			cinder_store_auth_address: `http://127.0.0.1:${port}/v3`,
			cinder_store_application_credential_id: randomUUID(),
			cinder_store_application_credential_secret: canary(),
			cinder_http_retries: '0',
		}),
		location: () => `cinder://images/${randomUUID()}`,
		tells: true,
		opens: login,
	},
	{
		type: 'vmware',
		options: async (port) => ({
			vmware_server_host: `127.0.0.1:${port}`,
			vmware_server_username: 'user',
			vmware_server_password: canary(),
			vmware_datastores: 'dc:store',
			vmware_insecure: 'true',
			vmware_api_retry_count: '1',
		}),
		location: (port) => `vsphere://user:${canary()}@127.0.0.1:${port}/folder/openstack_glance/x?dcPath=dc&dsName=store`,
		secure: true,
		tells: true,
		opens: (_request, _port, body) => (body.includes('RetrieveServiceContent') ? { status: 200, body: SERVICES } : undefined),
	},
	{
		type: 'http',
		options: async (port) => ({ http_allowed_ports: String(port) }),
		location: (port) => `http://user:${canary()}@127.0.0.1:${port}/x?X-Amz-Signature=${canary()}`,
	},
	{
		type: 'rbd',
		async options(port, dir) {
			const conf = join(dir, 'ceph.conf');
			const keyring = join(dir, 'keyring');
			await writeFile(keyring, `[client.images]\n\tkey = ${Buffer.from(canary()).toString('base64')}\n\t# ${canary()}\n`);
			await writeFile(conf, `[global]\nmon host = 127.0.0.1:${port}\nkeyring = ${keyring}\nkey = ${canary()}\n`);
			return { rbd_store_ceph_conf: conf, rbd_store_user: 'images', rados_connect_timeout: '1' };
		},
		location: () => `rbd://fsid/images/${randomUUID()}/snap`,
	},
	{
		type: 'sheepdog',
		options: async (port) => ({ sheepdog_store_address: '127.0.0.1', sheepdog_store_port: String(port) }),
		location: () => 'sheepdog://x',
	},
];

/** Says again all that it was told, as text, XML or JSON, whatever the client may look for. */
function repeat(said: string, response: ServerResponse, status: number): void {
	const forms: Readonly<Record<number, readonly [string, string]>> = {
		400: ['application/xml', `<Error><Code>Weird</Code><Message>${escaped(said)}</Message></Error>`],
		500: ['text/xml', `<Envelope><Body><Fault><faultstring>${escaped(said)}</faultstring></Fault></Body></Envelope>`],
		200: ['text/html', said],
	};
	const [type, body] = forms[status] ?? ['application/json', JSON.stringify({ error: { message: said, title: said } })];
	response.writeHead(status, { 'content-type': type, 'x-said': encodeURIComponent(said).slice(0, 4000) }).end(body);
}

function escaped(said: string): string {
	return said.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function answering(driver: Driver, status: number, opens: boolean, heard: string[], portOf: () => number): WebAnswer {
	async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const body = await text(request);
		const said = [request.url, JSON.stringify(request.headers), body].join('\n');
		heard.push(said);
		const opening = opens ? driver.opens?.(request, portOf(), body) : undefined;
		if (opening === undefined) return repeat(said, response, status);
		response
			.writeHead(opening.status, { 'content-type': 'application/json', ...opening.headers })
			.end(typeof opening.body === 'object' ? JSON.stringify(opening.body) : opening.body);
	}
	return (request, response) => void answer(request, response).catch(() => response.destroy());
}

/** Everything that a store can be asked, in vain or not; what it says of that. */
async function askEverything(store: ImageStore, location: string): Promise<readonly string[]> {
	const call = { signal: AbortSignal.timeout(30_000) };
	const source = {
		size: BYTES.length,
		async *read() {
			yield BYTES;
		},
	};
	const questions = [
		() => store.check(call),
		() => store.put(randomUUID(), source, call),
		() => store.stat(location, call),
		() => Array.fromAsync(store.get(location, 'whole', call)),
		() => store.remove(location, call),
		() => store.locate(randomUUID(), call),
		() => store.share?.(location, { public: false, projects: ['p'] }, call),
		() => store.list && Array.fromAsync(store.list(call)),
	];
	const said: string[] = [];
	for (const question of questions) {
		try {
			await question();
		} catch (error) {
			said.push(spelledOut(error));
		}
	}
	return said;
}

/** The same through the API: an upload, an import, a place that a client gives, and all that is shown after. */
async function askThroughApi(stores: Parameters<typeof openSiteWithStores>[0]['stores'], log: ReturnType<typeof keptLog>) {
	await using site = await openSiteWithStores({ stores, log });
	const { api } = site;
	const [store] = stores.all;
	const id = await api.queued();
	const said: string[] = [];
	if (store?.readOnly === false) {
		said.push((await site.upload(id, BYTES, store.id)).text);
		said.push(String(await site.importStaged(id, BYTES, [store.id])));
	}
	for (const path of [`/v2/images/${id}`, `/v2/images/${id}/tasks`, `/v2/images/${id}/file`, '/v2/info/stores/detail'])
		said.push((await api.ask('GET', path)).text);
	return said;
}

async function assertSilent(spec: StoreSpec, location: string): Promise<void> {
	await using dir = await temporaryDir();
	const log = keptLog();
	await using stores = await openStores({ specs: [spec], workDir: dir.path, log, limits: LIMITS });
	const [store] = stores.all;
	assert.ok(store);
	const said = [...(await askEverything(store, location)), ...(await askThroughApi(stores, log)), String(store.fault())];
	assert.ok(said.length > 5);
	for (const line of [...said, ...log.lines]) assert.doesNotMatch(line, CANARY);
}

describe('a store whose backend repeats all that it is told', () => {
	for (const [index, driver] of DRIVERS.entries()) {
		for (const status of [200, 400, 401, 403, 404, 409, 500, 503])
			it(`${driver.type} (${index}), answered ${status}, tells nobody a secret`, {
				skip: driver.secure ? opensslMissing : false,
			}, async () => {
				for (const opens of driver.opens === undefined ? [false] : [false, true]) {
					await using dir = await temporaryDir();
					let port = 0;
					const heard: string[] = [];
					await using server = await startWebServer(answering(driver, status, opens, heard, () => port));
					await using front = driver.secure ? await startTlsFront(dir.path, server.port) : undefined;
					port = front?.port ?? server.port;
					const spec = { id: 'frail', type: driver.type, options: await driver.options(port, dir.path) };
					await assertSilent(spec, driver.location(port));
					if (opens && driver.tells) assert.match(heard.join('\n'), CANARY, 'the backend was told a secret');
				}
			});
		it(`${driver.type} (${index}), refused a connection, tells nobody a secret`, async () => {
			await using dir = await temporaryDir();
			const port = await freePort();
			const spec = { id: 'frail', type: driver.type, options: await driver.options(port, dir.path) };
			await assertSilent(spec, driver.location(port));
		});
	}
});
