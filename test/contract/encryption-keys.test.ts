/** The encryption key of an image goes with it: when, in whose name, and never more than that. Decision 25. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { loadConfig } from '#config/load.ts';
import type { RequestContext } from '#domain/context.ts';
import { codeOf, type ErrorCode, ImageError } from '#domain/errors.ts';
import type { Image, ImageDraft } from '#domain/image.ts';
import { database } from '#domain/layers/database.ts';
import { anyArrival } from '#domain/ports/arrivals.ts';
import type { EncryptionKeys } from '#domain/ports/encryption-keys.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import { createScrubber } from '#domain/scrubber.ts';
import { createEncryptionKeys } from '#key-manager/encryption-keys.ts';
import type { Keystone, ServiceAccess } from '#keystone/ports.ts';
import { createImageObjects } from '#replication/image-objects.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { openKeyManager } from '../../src/open-key-manager.ts';
import { createImageClient } from '../support/image-client.ts';
import { keptLog } from '../support/kept-log.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { type NodeProcess, startNode } from '../support/node-process.ts';
import { administrator, caller, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';
import { type Person, realBarbican } from '../support/real-barbican.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore, testStores } from '../support/test-store.ts';

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

const KEY = 'a7b1c2d3-0000-4000-8000-00000000000a';
const TOKEN = 'token-canary';
const BYTES = randomBytes(10_000);
const CREDENTIAL = { credential: { token: () => TOKEN } };
const OWNER = caller(CREDENTIAL);
const STAYS = /the encryption key of a deleted image stays/;

function locked(key: string = KEY, policy = 'on_image_deletion'): ImageDraft {
	return {
		...UPLOADABLE,
		properties: { cinder_encryption_key_id: key, cinder_encryption_key_deletion_policy: policy },
	};
}

describe('an image and its encryption key', () => {
	interface SceneOptions {
		readonly fast?: Partial<ImageStore>;
		readonly site?: Parameters<typeof testSite>[0];
		/** what the key manager says; absent: yes */
		readonly answer?: () => Promise<void>;
	}

	/** A site with one store, and a key manager that writes down what it is asked, and whether the image was still there. */
	async function scene({ fast, site: over = {}, answer = async () => {} }: SceneOptions = {}) {
		const asked: string[] = [];
		const keys: EncryptionKeys = {
			async remove(id, { token }) {
				for (const image of images) asked.push(`${id} by ${token()}, image ${site.catalogue.image(image) ? 'there' : 'gone'}`);
				await answer();
			},
		};
		const log = keptLog();
		const data = memoryImageData();
		const stores = testStores([{ ...testStore('fast', await openMemory()), ...fast }]);
		const content = { ...data, file: () => undefined, pin: () => ({ [Symbol.dispose]() {} }) };
		const objects = createImageObjects({ kv: memoryKeyValue(), content });
		const site = await testSite({ data, stores, objects, log, keys, ...over });
		const { catalogue } = site;
		const scrubber = createScrubber({
			...{ catalogue, data, stores, objects, repository: database(catalogue), arrivals: anyArrival, log },
			...{
				site: site.site,
				sitesShown: true,
				hashAlgorithm: 'sha512',
				delayedDelete: false,
				scrubAfterMs: 0,
				clock: () => Date.now() + 1000,
			},
		});
		const images: string[] = [];
		const add = async (draft: ImageDraft = locked(), ctx: RequestContext = OWNER) => {
			const { id } = await site.images.create(ctx, draft);
			images.push(id);
			return id;
		};
		return {
			...{ asked, log, scrubber, catalogue, add, images: site.images },
			async active(store: string = 'fast', draft?: ImageDraft, ctx?: RequestContext) {
				const id = await add(draft, ctx);
				await site.images.upload(OWNER, id, uploadOf(BYTES, { store }));
				return id;
			},
			statusOf: (id: Image['id']) => catalogue.image(id)?.status,
			logged: () => log.lines.filter((line) => STAYS.test(line)),
		};
	}
	const GOES = `${KEY} by ${TOKEN}, image gone`;

	test('both go, the image first, whatever it is at', async () => {
		const ways = {
			queued: ({ add }: Scene) => add(),
			'at this site': ({ active }: Scene) => active('centre'),
			'in a store': ({ active }: Scene) => active(),
			async staged({ add, images }: Scene) {
				const id = await add();
				await images.stage(OWNER, id, uploadOf(BYTES));
				return id;
			},
			async importing({ add, images }: Scene) {
				const id = await add();
				await images.stage(OWNER, id, uploadOf(BYTES));
				await images.beginImport(OWNER, id, { method: { name: 'glance-direct' } }, { task: 'a task', isOver: () => false });
				return id;
			},
			async deactivated({ active, images }: Scene) {
				const id = await active();
				await images.deactivate(administrator(), id);
				return id;
			},
		};
		for (const [way, make] of Object.entries(ways)) {
			const here = await scene();
			await here.images.remove(OWNER, await make(here));
			assert.deepEqual([here.asked, here.logged()], [[GOES], []], way);
		}
	});
	type Scene = Awaited<ReturnType<typeof scene>>;

	test('the key stays without a policy that says otherwise, or without an id', async () => {
		const here = await scene();
		for (const policy of ['do_not_delete', 'ON_IMAGE_DELETION', 'on_image_deletion ', ''])
			await here.images.remove(OWNER, await here.active('fast', locked(KEY, policy)));
		for (const name of ['cinder_encryption_key_id', 'cinder_encryption_key_deletion_policy'])
			await here.images.remove(
				OWNER,
				await here.active('fast', { ...UPLOADABLE, properties: { [name]: locked().properties?.[name] ?? '' } }),
			);
		assert.deepEqual([here.asked, here.logged()], [[], []]);
	});

	test('what is no uuid is neither asked for nor repeated', async () => {
		const here = await scene();
		const ids = [
			...['../containers/x', `${KEY}/../x`, `${KEY}/payload`, `${KEY}?x`, `${KEY}#`, `${KEY}\r\nx: y`, ` ${KEY}`, `${KEY}\n`],
			...[`http://127.0.0.1/v1/secrets/${KEY}`, `//127.0.0.1/${KEY}`, '%2e%2e', KEY.replaceAll('-', ''), '', '*'],
		];
		for (const id of ids) await here.images.remove(OWNER, await here.add(locked(id)));
		assert.deepEqual(here.asked, []);
		assert.equal(here.logged().length, ids.length);
		assert.doesNotMatch(here.logged().join(), /a7b1c2d3|secrets/);
	});

	test('of an image that may not be deleted the key stays, and goes when it may', async () => {
		const here = await scene();
		const id = await here.active('fast', { ...locked(), protected: true });
		await assert.rejects(here.images.remove(OWNER, id), { code: 'forbidden' });
		const mine = await here.active();
		await assert.rejects(here.images.remove(caller({ ...CREDENTIAL, project: 'project-b' }), mine), { code: 'not-found' });
		assert.deepEqual([here.asked, here.statusOf(id), here.statusOf(mine)], [[], 'active', 'active']);
		await here.images.update(OWNER, id, [{ set: { protected: false } }]);
		await here.images.remove(OWNER, id);
		assert.equal(here.asked.filter((line) => line === GOES).length, 1);
	});

	for (const code of ['conflict', 'forbidden'] as const)
		test(`of an image whose store refuses (${code}) the key stays, and goes when it does not`, async () => {
			let refuses = true;
			const inner = testStore('fast', await openMemory());
			const remove: ImageStore['remove'] = async (...args) => {
				if (refuses) throw new ImageError(code, 'something is made of it');
				return inner.remove(...args);
			};
			const here = await scene({ fast: { ...inner, remove } });
			const id = await here.active();
			await assert.rejects(here.images.remove(OWNER, id), { code });
			assert.deepEqual([here.asked, here.statusOf(id)], [[], 'active']);
			refuses = false;
			await here.images.remove(OWNER, id);
			assert.deepEqual(here.asked, [GOES]);
		});

	test('of an image that waits for its store the key stays, for it can be had back; the scrubber has no name to delete it in', async () => {
		let isDown = true;
		const inner = testStore('fast', await openMemory());
		const remove: ImageStore['remove'] = async (...args) => {
			if (isDown) throw new ImageError('unavailable', 'it is down');
			return inner.remove(...args);
		};
		const here = await scene({ fast: { ...inner, remove } });
		const id = await here.active();
		await here.images.remove(OWNER, id);
		await here.scrubber.restore(id);
		assert.deepEqual([here.asked, here.statusOf(id)], [[], 'active']);
		await here.images.remove(OWNER, id);
		isDown = false;
		assert.equal(await here.scrubber.scrub({ signal: OWNER.signal }), 1);
		assert.deepEqual([here.asked, here.statusOf(id)], [[], undefined]);
		assert.match(here.logged().join(), new RegExp(`the scrubber ended the deletion.*"${KEY}"`));
	});

	test('of an image that is deleted with delay the key stays for whoever has it back, and is named when it is too late', async () => {
		const here = await scene({ site: { delayedDelete: true } });
		const [kept, gone] = [await here.active('centre'), await here.active()];
		for (const id of [kept, gone]) await here.images.remove(OWNER, id);
		await here.scrubber.restore(kept);
		assert.deepEqual([here.logged(), here.statusOf(kept), here.statusOf(gone)], [[], 'active', 'pending_delete']);
		assert.equal(await here.scrubber.scrub({ signal: OWNER.signal }), 1);
		assert.deepEqual([here.asked, here.logged().length], [[], 1]);
	});

	test('a scrubber that is quicker than the request leaves it its key, and no error', async () => {
		const [entered, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		const inner = testStore('fast', await openMemory());
		let calls = 0;
		const remove: ImageStore['remove'] = async (...args) => {
			calls += 1;
			if (calls > 1) return inner.remove(...args);
			entered.resolve();
			await gate.promise;
			return inner.remove(...args);
		};
		const here = await scene({ fast: { ...inner, remove } });
		const removed = here.images.remove(OWNER, await here.active());
		await entered.promise;
		assert.equal(await here.scrubber.scrub({ signal: OWNER.signal }), 1);
		gate.resolve();
		await removed;
		assert.deepEqual(here.asked, [GOES]);
	});

	test("nobody's token but one of the owner's project is used", async () => {
		const here = await scene();
		const others = [
			caller(),
			administrator(CREDENTIAL),
			administrator({ ...CREDENTIAL, project: null }),
			administrator({ ...CREDENTIAL, project: OWNER.project, door: 'task' }),
		];
		for (const ctx of others) await here.images.remove(ctx, await here.active());
		const nobodys = await here.add({ ...locked(), owner: null }, administrator());
		await here.images.remove(administrator({ ...CREDENTIAL, project: null }), nobodys);
		assert.deepEqual([here.asked, here.logged().length], [[], others.length + 1]);
	});

	for (const code of ['forbidden', 'not-found', 'conflict', 'unavailable', undefined] as const)
		test(`a key manager that fails (${code ?? 'a bug'}) keeps no image`, async () => {
			const error = code === undefined ? new TypeError('a bug') : new ImageError(code satisfies ErrorCode, 'why not');
			const here = await scene({ answer: () => Promise.reject(error) });
			const id = await here.active();
			await here.images.remove(OWNER, id);
			assert.equal(here.statusOf(id), undefined);
			assert.match(here.logged().join(), new RegExp(`^warn .*${error.message}`));
		});

	test('without a key manager it is said once', async () => {
		const log = keptLog();
		const { images } = await testSite({ log });
		for (const _ of [1, 2]) await images.remove(OWNER, (await images.create(OWNER, locked())).id);
		assert.equal(log.lines.filter((line) => STAYS.test(line)).length, 1, log.lines.join('\n'));
		assert.match(log.lines.join(), /no key manager/);
	});
});

describe('a key manager that is asked to delete a key', () => {
	type Answer = (request: IncomingMessage, response: ServerResponse) => void;
	const NODE: Keystone & ServiceAccess = {
		ask: () => Promise.reject(new Error('not asked')),
		token: async () => 'own',
		forget() {},
	};

	async function double(answer: Answer, env: Readonly<Record<string, string>> = {}, keystone?: Keystone & ServiceAccess) {
		const requests: IncomingMessage[] = [];
		const server = createServer((request, response) => {
			requests.push(request);
			answer(request, response);
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		stack.defer(() => void server.close().closeAllConnections());
		const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
		return { keys: keysBy({ SUNDOG_KEY_MANAGER_BARBICAN_URL: url, ...env }, keystone), requests, server, url };
	}

	/** As a node would have it with these variables. */
	function keysBy(env: Readonly<Record<string, string>>, keystone?: Keystone & ServiceAccess): EncryptionKeys {
		const config = loadConfig({ env: { HOME: '/nowhere', SUNDOG_AUTH: 'none', ...env } });
		const keyManager = openKeyManager({ config, stack }, keystone);
		assert.ok(keyManager !== undefined && config.barbican !== undefined);
		return createEncryptionKeys({ ...config.barbican, keyManager });
	}

	const said = (keys: EncryptionKeys) =>
		keys.remove(KEY, CREDENTIAL.credential).then(
			() => 'gone',
			(error: Error) => `${codeOf(error)}: ${error.message}`,
		);
	/** `found` of the secret, then `deleted`. */
	const first =
		(found: string, deleted: Answer): Answer =>
		(request, response) =>
			request.method === 'GET' ? void response.end(found) : deleted(request, response);
	const lineOf = ({ method, url, headers }: IncomingMessage) =>
		[method, url, headers['x-auth-token'], headers['x-service-token']].join(' ').trimEnd();
	const GET = `GET /v1/secrets/${KEY} ${TOKEN}`;
	const DELETE = `DELETE /v1/secrets/${KEY} ${TOKEN}`;
	const FREE = '{"consumers":[]}';
	const status =
		(code: number): Answer =>
		(_, response) =>
			void response.writeHead(code).end();

	test("is asked with the caller's token, and the node's own only beside it where that is wanted", async () => {
		const alone = await double(first(FREE, status(204)), {}, NODE);
		assert.equal(await said(alone.keys), 'gone');
		assert.deepEqual(alone.requests.map(lineOf), [GET, DELETE]);
		assert.equal(alone.requests[0]?.headers['openstack-api-version'], 'key-manager 1.1');
		const both = await double(first(FREE, status(204)), { SUNDOG_KEY_MANAGER_BARBICAN_SERVICE_TOKEN: 'true' }, NODE);
		assert.equal(await said(both.keys), 'gone');
		assert.deepEqual(both.requests.map(lineOf), [`${GET} own`, `${DELETE} own`]);
	});

	test('that takes no token of the caller is not asked with the one of the node', async () => {
		for (const code of [401, 403]) {
			const { keys, requests } = await double(status(code), {}, NODE);
			assert.match(await said(keys), /^forbidden: /);
			assert.deepEqual(requests.map(lineOf), [GET]);
			const later = await double(first(FREE, status(code)), {}, NODE);
			assert.match(await said(later.keys), /^forbidden: /);
			assert.deepEqual(later.requests.map(lineOf), [GET, DELETE]);
		}
	});

	test('leaves a key that others use, or that may be used; an older one does not know of them', async () => {
		for (const consumers of [[{ service: 'nova' }], 'many', { 0: 'x' }, null]) {
			const { keys, requests } = await double(first(JSON.stringify({ consumers }), status(204)));
			assert.match(await said(keys), /^conflict: /);
			assert.deepEqual(requests.map(lineOf), [GET]);
		}
		const older = await double(first('{"status":"ACTIVE"}', status(204)));
		assert.equal(await said(older.keys), 'gone');
	});

	test('ends within its time, in all its requests together', async () => {
		const short = { SUNDOG_KEY_MANAGER_BARBICAN_TIMEOUT: '0.3' };
		const silent = await double(() => {}, short);
		assert.match(await said(silent.keys), /^unavailable: .*did not answer within 300 ms$/);
		const late = await double(
			first(FREE, () => {}),
			short,
		);
		assert.match(await said(late.keys), /^unavailable: .*did not answer within 300 ms$/);
		const keystone = { ...NODE, ask: ({ signal }: { readonly signal: AbortSignal }) => untilAborted(signal) };
		const lost = keysBy({ ...short, SUNDOG_KEY_MANAGER_BARBICAN: 'true', ...SOME_KEYSTONE }, keystone);
		assert.match(await said(lost), /^unavailable: .*did not answer within 300 ms$/);
	});

	const answers: readonly [string, Answer, RegExp][] = [
		['has none of that id', status(404), /^not-found: /],
		['loses it meanwhile', first(FREE, status(404)), /^not-found: /],
		['answers 503', first(FREE, status(503)), /^unavailable: .*503$/],
		['is asked too often', status(429), /^unavailable: .*429$/],
		['hangs up', (request) => void request.socket.destroy(), /^unavailable: .*cannot be reached$/],
		['talks nonsense', (_, response) => void response.end('<html>'), /^unavailable: .*cannot be read$/],
		['says null', (_, response) => void response.end('null'), /^unavailable: .*cannot be read$/],
		['has no end', (_, response) => void response.end(Buffer.alloc(65_537, ' ')), /^unavailable: .*can be read$/],
		['sends elsewhere', (_, response) => void response.writeHead(302, { location: '/x' }).end(), /^unavailable: .*302$/],
	];
	for (const [what, answer, expected] of answers)
		test(`one that ${what}`, async () => {
			const { keys, requests } = await double(answer);
			assert.match(await said(keys), expected);
			for (const request of requests) assert.ok([GET, DELETE].includes(lineOf(request)), lineOf(request));
		});

	test('is not asked for what is no uuid, whoever asks', async () => {
		const { keys, requests } = await double(status(204));
		await assert.rejects(keys.remove(`${KEY}/../x`, CREDENTIAL.credential));
		assert.deepEqual(requests, []);
	});
});

const SOME_KEYSTONE = {
	SUNDOG_KEYSTONE_URL: 'http://127.0.0.1:1',
	SUNDOG_KEYSTONE_USERNAME: 'glance',
	SUNDOG_KEYSTONE_PASSWORD: 'glance',
};

function untilAborted(signal: AbortSignal): Promise<never> {
	return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

describe('keys in a real Barbican', () => {
	test('a whole node, its callers and their keys', async (t) => {
		const barbican = await realBarbican();
		if (barbican.missing !== false) return t.skip(barbican.missing);
		await using _ = barbican;
		const env = {
			SUNDOG_AUTH: 'keystone',
			SUNDOG_KEYSTONE_URL: barbican.keystoneUrl,
			SUNDOG_KEYSTONE_USERNAME: 'glance',
			SUNDOG_KEYSTONE_PASSWORD: 'glance',
			SUNDOG_LOG_LEVEL: 'info',
		};
		await using nodes = new AsyncDisposableStack();
		const node = async (more: Readonly<Record<string, string>> = {}) => {
			const dir = nodes.use(await temporaryDir());
			return nodes.use(await startNode({ dataDir: dir.path, env: { ...env, ...more } }));
		};
		const tokens = new Map<Person, string>();
		for (const person of ['demo', 'alt', 'glance'] as const) tokens.set(person, await barbican.token(person));
		const newKey = (owner: Person = 'demo') => barbican.store(owner, { payload: randomBytes(32), type: 'symmetric' });

		/** Made and uploaded by `owner`, deleted by `by`; what the node and then Barbican say. */
		async function deleting({ http }: NodeProcess, key: string, more: object = {}, by: Person = 'demo') {
			using client = createImageClient(http);
			const as = (person: Person, type = 'application/json') => ({
				'x-auth-token': tokens.get(person) ?? '',
				'content-type': type,
			});
			const properties = { cinder_encryption_key_id: key, cinder_encryption_key_deletion_policy: 'on_image_deletion', ...more };
			const draft = { disk_format: 'raw', container_format: 'bare', ...properties };
			const { id } = JSON.parse((await client.call('POST', '/v2/images', draft, as('demo'))).body) as { readonly id: string };
			const sent = await fetch(`${http}/v2/images/${id}/file`, {
				method: 'PUT',
				headers: as('demo', 'application/octet-stream'),
				body: BYTES,
			});
			assert.equal(sent.status, 204);
			const { status } = await client.call('DELETE', `/v2/images/${id}`, undefined, as(by));
			const left = await client.call('GET', `/v2/images/${id}`, undefined, as('demo'));
			return { answers: [status, left.status], id };
		}
		const GONE = [204, 404];
		const plain = await node();

		await t.test("the key goes with the image, in the caller's name", async () => {
			const key = await newKey();
			assert.deepEqual((await deleting(plain, key)).answers, GONE);
			assert.equal(await barbican.status('demo', key), 404);
			assert.match(plain.log(), new RegExp(`${key}.*an encryption key was deleted with its image`));
		});

		await t.test('it stays when the policy does not say so, or the image is protected', async () => {
			const key = await newKey();
			assert.deepEqual((await deleting(plain, key, { cinder_encryption_key_deletion_policy: 'do_not_delete' })).answers, GONE);
			assert.deepEqual((await deleting(plain, key, { protected: true })).answers, [403, 200]);
			assert.equal(await barbican.status('demo', key), 200);
		});

		await t.test('it stays while somebody has registered that they use it', async () => {
			const key = await newKey();
			await barbican.use('demo', key);
			assert.deepEqual((await deleting(plain, key)).answers, GONE);
			assert.equal(await barbican.status('demo', key), 200);
			assert.match(plain.log(), new RegExp(`others have registered.*${key}|${key}.*others have registered`));
		});

		await t.test(
			"another project's key stays, though the caller may read it, and so does a readable one of the node",
			async () => {
				for (const owner of ['alt', 'glance'] as const) {
					const key = await newKey(owner);
					assert.deepEqual((await deleting(plain, key)).answers, GONE);
					await barbican.share(owner, key, 'demo');
					assert.deepEqual((await deleting(plain, key)).answers, GONE);
					assert.equal(await barbican.status(owner, key), 200);
				}
			},
		);

		await t.test("an administrator who deletes somebody's image deletes no secret of their own by it", async () => {
			const key = await newKey('glance');
			assert.deepEqual((await deleting(plain, key, {}, 'glance')).answers, GONE);
			assert.equal(await barbican.status('glance', key), 200);
		});

		await t.test("the node's own token beside the caller's opens nothing more", async () => {
			const both = await node({ SUNDOG_KEY_MANAGER_BARBICAN_SERVICE_TOKEN: 'true' });
			const [theirs, mine] = [await newKey('glance'), await newKey()];
			assert.deepEqual((await deleting(both, theirs)).answers, GONE);
			assert.equal(await barbican.status('glance', theirs), 200);
			assert.deepEqual((await deleting(both, mine)).answers, GONE);
			assert.equal(await barbican.status('demo', mine), 404);
		});

		await t.test('a key that is not there, and ids that are none, keep no image', async () => {
			const key = await newKey();
			for (const id of [randomUUID(), `../secrets/${key}`, `${barbican.url}/v1/secrets/${key}`, `${key}/metadata`])
				assert.deepEqual((await deleting(plain, id)).answers, GONE);
			assert.equal(await barbican.status('demo', key), 200);
		});

		await t.test('a Barbican that is down, or says nothing, keeps no image', async () => {
			const silent = createServer(() => {});
			await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
			nodes.defer(() => void silent.close().closeAllConnections());
			const mute = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
			const key = await newKey();
			for (const [url, why] of [
				['http://127.0.0.1:1', /cannot be reached/],
				[mute, /did not answer within 300 ms/],
			] as const) {
				const cut = await node({ SUNDOG_KEY_MANAGER_BARBICAN_URL: url, SUNDOG_KEY_MANAGER_BARBICAN_TIMEOUT: '0.3' });
				assert.deepEqual((await deleting(cut, key)).answers, GONE);
				assert.match(cut.log(), why);
			}
			assert.equal(await barbican.status('demo', key), 200);
		});

		await t.test('the key of an image that is deleted with delay stays', async () => {
			const delayed = await node({ SUNDOG_DELETE_DELAYED: 'true', SUNDOG_DELETE_SCRUB_AFTER: '3600' });
			const key = await newKey();
			assert.deepEqual((await deleting(delayed, key)).answers, GONE);
			assert.equal(await barbican.status('demo', key), 200);
		});
		// no token of anybody in what any of them wrote
		assert.doesNotMatch(plain.log(), new RegExp([...tokens.values()].join('|')));
	});
});
