/**
 * Secrets that go in and may not come out: canaries in every setting that is secret, in Glance's own options, in tokens,
 * and in one project's images, looked for in whatever anybody else is shown, told or can read in a log.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SETTINGS } from '#config/settings.ts';
import { OCTETS } from '../support/api-server.ts';
import { freePort } from '../support/free-port.ts';
import { createImageClient, type ImageClient } from '../support/image-client.ts';
import { IMAGE_VERBS, pathOf } from '../support/image-verbs.ts';
import { PASSWORD, startKeystoneDouble, tokenBody } from '../support/keystone-double.ts';
import { type Run, runSundog, startNode } from '../support/node-process.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

let canaries = 0;
/** Looked for by its beginning alone: a shortened or escaped one counts. */
const canary = () => `canary${++canaries}`;

const said = ({ stdout, stderr }: Run) => `${stdout}\n${stderr}`;

/** The variable of every setting that is secret. */
const SECRET_SETTINGS = Object.values(SETTINGS)
	.filter((setting) => setting.secret)
	.map(({ env }) => env);

/** Of Glance's own options. */
const GLANCE = `[DEFAULT]
transport_url = rabbit://user:${canary()}@host:5672/
metadata_encryption_key = ${canary()}
enabled_backends = s3-1:s3, swift-1:swift, cinder-1:cinder, vmware-1:vmware
[database]
connection = mysql+pymysql://glance:${canary()}@db/glance
slave_connection = mysql+pymysql://glance:${canary()}@db/glance
[keystone_authtoken]
auth_url = http://127.0.0.1:1/v3
username = glance
password = ${canary()}
project_name = service
memcache_secret_key = ${canary()}
[oslo_limit]
auth_url = http://127.0.0.1:1/v3
username = glance
password = ${canary()}
application_credential_secret = ${canary()}
[oslo_messaging_notifications]
transport_url = rabbit://user:${canary()}@host:5672/
[s3-1]
s3_store_access_key = ${canary()}
s3_store_secret_key = ${canary()}
[swift-1]
swift_store_key = ${canary()}
swift_store_application_credential_secret = ${canary()}
[cinder-1]
cinder_store_password = ${canary()}
cinder_store_application_credential_secret = ${canary()}
[vmware-1]
vmware_server_password = ${canary()}
[profiler]
hmac_keys = ${canary()}
connection_string = redis://:${canary()}@host:6379
[barbican]
barbican_endpoint = http://user:${canary()}@host
`;

describe('config check', () => {
	it('does not show a setting that is secret, whatever the others are', async () => {
		assert.ok(SECRET_SETTINGS.length >= 6, SECRET_SETTINGS.join());
		const secrets = Object.fromEntries(SECRET_SETTINGS.map((name) => [name, canary()]));
		const url = `http://user:${canary()}@127.0.0.1:1/${canary()}?token=${canary()}`;
		const urls = { SUNDOG_NOTIFICATIONS_WEBHOOK_URL: url, SUNDOG_KEYSTONE_URL: url };
		const amqp = (host: string) => ({ SUNDOG_NOTIFICATIONS_AMQP_URL: `rabbit://user:${canary()}@${host}` });
		const { SUNDOG_NOTIFICATIONS_AMQP_URL: _, ...plain } = secrets;
		assert.equal((await runSundog(['config', 'check'], plain)).code, 0);
		for (const env of [{}, urls, amqp('127.0.0.1:1/'), amqp('127.0.0.1:port'), amqp(''), { SUNDOG_LISTEN: 'nowhere' }])
			assert.doesNotMatch(said(await runSundog(['config', 'check'], { ...secrets, ...env })), /canary/);
	});

	it("does not repeat secrets of Glance's file", async () => {
		await using dir = await temporaryDir();
		const path = join(dir.path, 'glance-api.conf');
		for (const text of [GLANCE, `${GLANCE}[DEFAULT]\nworkers = two\n`, GLANCE.replaceAll(' = canary', ' canary')]) {
			await writeFile(path, text);
			const run = await runSundog(['config', 'check', '--glance-config', path], {});
			assert.notEqual(said(run).trim(), '');
			assert.doesNotMatch(said(run), /canary/);
		}
	});

	it('a token to join with is not repeated by a start that fails', async () => {
		await using dir = await temporaryDir();
		for (const token of [canary(), `${canary()}.${canary()}.${canary()}`]) {
			const env = { SUNDOG_DATA_DIR: dir.path, SUNDOG_AUTH: 'none', SUNDOG_LISTEN: '127.0.0.1:0', SUNDOG_JOIN: token };
			const run = await runSundog(['serve'], { ...env, SUNDOG_SITE: 'paris', SUNDOG_LOG_LEVEL: 'debug' });
			assert.notEqual(run.code, 0);
			assert.doesNotMatch(said(run), /canary/);
		}
	});
});

const as = (token: string) => ({ 'x-auth-token': token });
const PRIVATE = { visibility: 'private', disk_format: 'raw', container_format: 'bare' };

it("a node repeats no secret, and nothing of one project's images to another, in answers or in its log", async () => {
	await using dir = await temporaryDir();
	await using keystone = await startKeystoneDouble();
	const project = (id: string) => ({ id, name: id, domain: { id: 'default', name: 'Default' } });
	const tokens = { owner: canary(), stranger: canary(), unknown: canary(), operator: canary() };
	keystone.tokens.set(tokens.owner, tokenBody({ project: project('project-a') }));
	keystone.tokens.set(tokens.stranger, tokenBody({ project: project('project-b') }));
	const closed = await freePort();
	await using node = await startNode({
		dataDir: dir.path,
		env: {
			SUNDOG_AUTH: 'keystone',
			SUNDOG_LOG_LEVEL: 'debug',
			SUNDOG_KEYSTONE_URL: keystone.url,
			SUNDOG_KEYSTONE_USERNAME: 'glance',
			SUNDOG_KEYSTONE_PASSWORD: PASSWORD,
			SUNDOG_KEYSTONE_PROJECT: 'service',
			SUNDOG_ADMIN_TOKEN: tokens.operator,
			// that verbs on images name
			SUNDOG_STORES: 'web:http',
			SUNDOG_NOTIFICATIONS_WEBHOOK_URL: `http://127.0.0.1:${closed}/${canary()}`,
			SUNDOG_NOTIFICATIONS_WEBHOOK_SECRET: canary(),
			SUNDOG_NOTIFICATIONS_AMQP_URL: `rabbit://user:${canary()}@127.0.0.1:${closed}/`,
		},
	});
	using client = createImageClient(node.http);
	const replies: string[] = [];
	const ask = async (token: string, method: string, path: string, body?: unknown, headers = {}) => {
		const reply = await client.call(method, path, body, { ...as(token), ...headers });
		if (token !== tokens.owner) replies.push(JSON.stringify(reply));
		return reply;
	};
	const fields = { ...PRIVATE, name: 'nightingale', tags: ['nightingale'], nightingale: 'nightingale' };
	const made = await ask(tokens.owner, 'POST', '/v2/images', fields);
	assert.equal(made.status, 201, made.body);
	const { id } = JSON.parse(made.body);
	const put = await fetch(`${node.http}/v2/images/${id}/file`, {
		method: 'PUT',
		headers: { ...OCTETS, ...as(tokens.owner) },
		body: canary(),
	});
	assert.equal(put.status, 204);
	assert.equal((await ask(tokens.owner, 'GET', `/v2/images/${id}/file`)).status, 200);
	const root = await rootOf(client, tokens.operator, id);

	for (const token of [tokens.stranger, tokens.unknown]) await wander(ask, token, id);
	await interrupted(keystone, () => ask(canary(), 'GET', '/v2/images'));
	await node.stop();

	assert.ok(replies.length > 60 && node.log().length > 1000);
	const told = replies.filter((reply) => /canary|own-token-|nightingale/.test(reply) || reply.includes(root));
	assert.deepEqual(told, []);
	assert.doesNotMatch(node.log(), /canary|own-token-/);
	// what an image is called stands in the notifications that an operator wants in the log, and nowhere else
	const others = node
		.log()
		.split('\n')
		.filter((line) => !line.includes('"notification":'));
	assert.doesNotMatch(others.join('\n'), /nightingale/);
});

type Ask = (
	token: string,
	method: string,
	path: string,
	body?: unknown,
	headers?: object,
) => Promise<{ readonly status: number }>;

/** All that can be asked about the image of another project, and about all images. */
async function wander(ask: Ask, token: string, id: string): Promise<void> {
	for (const verb of Object.values(IMAGE_VERBS)) {
		const request = verb({ self: 'project-b', other: 'project-a' });
		const { method, headers, body } = request;
		const sent = body instanceof Uint8Array ? [...body] : body;
		const { status } = await ask(token, method, pathOf(request, id), sent, headers);
		assert.ok(status === 404 || status === 401, `${method} ${pathOf(request, id)}: ${status}`);
	}
	for (const query of [
		'',
		'?visibility=all&member_status=all',
		'?owner=project-a',
		`?id=${id}`,
		`?marker=${id}`,
		'?sort=name',
		'?limit=x',
	])
		await ask(token, 'GET', `/v2/images${query}`);
	for (const path of [
		'/v2/tasks',
		'/v2/cache',
		'/v2/info/usage',
		'/v2/metadefs/namespaces',
		'/admin/v1/node',
		'/admin/v1/transfers',
		'/',
	])
		await ask(token, 'GET', path);
	for (const body of ['{', [], { name: 1 }, { id }, { owner: 'project-a' }]) await ask(token, 'POST', '/v2/images', body);
}

/** Whatever Keystone says instead of an answer. */
async function interrupted(keystone: Awaited<ReturnType<typeof startKeystoneDouble>>, act: () => Promise<unknown>) {
	for (const status of [403, 500, 200, 401]) {
		keystone.interrupt((request, response) => {
			response.writeHead(status).end(JSON.stringify({ canary: PASSWORD, headers: request.headers }));
			return true;
		});
		await act();
	}
	keystone.interrupt((request) => Boolean(request.socket.destroy()));
	await act();
}

async function rootOf(client: ImageClient, operator: string, id: string): Promise<string> {
	const { status, body } = await client.call('GET', '/admin/v1/transfers', undefined, as(operator));
	assert.equal(status, 200, body);
	const row = JSON.parse(body).transfers.find(({ images }: { readonly images: readonly string[] }) => images.includes(id));
	return row.root;
}
