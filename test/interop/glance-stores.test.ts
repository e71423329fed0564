/** Debian's Glance and a node, configured by one glance-api.conf: each reads what the other has written into its stores. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { ByteRange } from '#domain/controller.ts';
import { eventually } from '../support/eventually.ts';
import { type NodeProcess, startNode } from '../support/node-process.ts';
import { absentModules, type OwnGlance, startGlance } from '../support/own-glance.ts';
import { patternBytes } from '../support/pattern.ts';
import { type SharedStore, sharedStores } from '../support/shared-stores.ts';
import { collect, digestOf, signal } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const MiB = 1024 * 1024;
const PATCH = 'application/openstack-images-v2.1-json-patch';
const OCTETS = 'application/octet-stream';

const cleanup = new AsyncDisposableStack();
after(() => cleanup.disposeAsync());
const dir = cleanup.use(await temporaryDir());
const missing = (await absentModules('glance', 'glance_store')).length > 0 && 'not installed: glance-api';
const stores = missing ? [] : await sharedStores(dir.path, cleanup);
const present = stores.filter((store): store is SharedStore => !('missing' in store));
const glance = missing ? undefined : cleanup.use(await startGlance(join(dir.path, 'glance'), present));
const node = glance && cleanup.use(await nodeBeside(glance));

function nodeBeside({ confFile }: OwnGlance): Promise<NodeProcess> {
	return startNode({ dataDir: join(dir.path, 'node'), env: { SUNDOG_GLANCE_CONFIG: confFile }, readyTimeoutMs: 60_000 });
}

interface Place {
	readonly url: string;
	readonly metadata: { readonly store?: string };
}
interface Image {
	readonly id: string;
	readonly status: string;
	readonly size: number;
	readonly checksum: string;
	readonly os_hash_algo: string;
	readonly os_hash_value: string;
	readonly locations: readonly Place[];
}

/** One of the two, as its clients see it. */
function clientOf(server: { readonly url: string; readonly log: () => string }) {
	const ask = async (
		method: string,
		path: string,
		headers: Record<string, string> = {},
		body?: string | Uint8Array<ArrayBuffer>,
	) => {
		const init = {
			method,
			headers,
			signal: AbortSignal.timeout(60_000),
			...(body !== undefined && { body }),
		};
		const response = await fetch(`${server.url}/v2/images${path}`, init);
		if (!response.ok) assert.fail(`${method} ${path}: ${response.status} ${await response.text()}\n${server.log().slice(-3000)}`);
		return response;
	};
	const create = async (id: string = randomUUID()) => {
		const draft = JSON.stringify({ id, name: 'shared', disk_format: 'raw', container_format: 'bare' });
		await ask('POST', '', { 'content-type': 'application/json' }, draft);
		return id;
	};
	const show = async (id: string) => (await (await ask('GET', `/${id}`)).json()) as Image;
	return {
		/** Until it is in a place. */
		async upload(content: Uint8Array, store: string, wanted?: string): Promise<Image> {
			const id = await create(wanted);
			await ask('PUT', `/${id}/file`, { 'content-type': OCTETS, 'x-image-meta-store': store }, new Uint8Array(content));
			return eventually('the image in its store', async () => {
				const image = await show(id);
				return image.status === 'active' && image.locations.length === 1 ? image : undefined;
			});
		},
		/** An image whose bytes lie there already, and what another's is known to have. */
		async give(url: string, store: string, { checksum, os_hash_algo, os_hash_value }: Image): Promise<Image> {
			const id = await create();
			const value = { url, metadata: { store }, validation_data: { checksum, os_hash_algo, os_hash_value } };
			await ask('PATCH', `/${id}`, { 'content-type': PATCH }, JSON.stringify([{ op: 'add', path: '/locations/-', value }]));
			return show(id);
		},
		async bytes(id: string, range: ByteRange | 'whole' = 'whole') {
			const headers = range === 'whole' ? {} : { range: `bytes=${range.start}-${range.end - 1}` };
			return new Uint8Array(await (await ask('GET', `/${id}/file`, headers)).arrayBuffer());
		},
		remove: (id: string) => ask('DELETE', `/${id}`),
	};
}

/** Of an image in one store. */
function placeOf({ locations }: Image): string {
	assert.equal(locations.length, 1);
	return locations[0]?.url ?? '';
}

function assertSame(actual: Uint8Array, expected: Uint8Array, what: string): void {
	assert.equal(actual.length, expected.length, what);
	assert.equal(digestOf(actual), digestOf(expected), what);
}

/** The whole, and pieces around the first byte, the borders of parts and the last byte. */
async function eachRange(bytes: Uint8Array, read: (range: ByteRange | 'whole') => Promise<Uint8Array>): Promise<void> {
	assertSame(await read('whole'), bytes, 'whole');
	const size = bytes.length;
	for (const border of [0, 1_024_000, MiB, 5 * MiB, 8 * MiB, 10 * MiB, size].filter((border) => border <= size)) {
		const [start, end] = [Math.max(0, border - 3), Math.min(size, border + 3)];
		assertSame(await read({ start, end }), bytes.subarray(start, end), `${start}-${end}`);
	}
}

function assertKnows(image: Image, bytes: Uint8Array): void {
	const md5 = createHash('md5').update(bytes).digest('hex');
	const sha512 = createHash('sha512').update(bytes).digest('hex');
	assert.deepEqual(
		[image.status, image.size, image.checksum, image.os_hash_algo, image.os_hash_value],
		['active', bytes.length, md5, 'sha512', sha512],
	);
}

if (missing) describe('stores of Glance and of a node', { skip: missing }, () => {});
for (const store of stores) {
	const what = `the store ${store.id} of Glance and of a node`;
	if ('missing' in store) describe(what, { skip: store.missing }, () => {});
	else if (glance && node) describe(what, () => shared(store, clientOf(glance), clientOf({ url: node.http, log: node.log })));
}

type Client = ReturnType<typeof clientOf>;

function shared(store: SharedStore, theirs: Client, ours: Client): void {
	const { reached, isInParts } = store;
	/** Uploaded, and kept as this store keeps it. */
	const written = async (client: Client, bytes: Uint8Array, id?: string) => {
		const image = await client.upload(bytes, store.id, id);
		assertKnows(image, bytes);
		if (isInParts) assert.equal(await isInParts(image.id), bytes.length === store.large);
		return image;
	};
	if (reached.by === 'location')
		it('places are named in one form', async () => {
			const [their, our] = [await written(theirs, patternBytes(9)), await written(ours, patternBytes(9))];
			assert.equal(reached.forGlance(placeOf(our)).replace(our.id, their.id), placeOf(their));
			await deleted(our, our.id);
			await theirs.remove(their.id);
			await nothingLeft(store, their.id);
		});
	for (const size of [1, MiB + 1, store.large]) {
		const bytes = patternBytes(size, size);
		if (reached.by === 'place') {
			it(`${size} bytes that Glance has written are read in their place`, async () => {
				const image = await written(theirs, bytes);
				await using driver = await reached.open();
				const url = placeOf(image);
				assert.equal(driver.locate(image.id), url);
				await eachRange(bytes, (range) => collect(driver, url, range));
				await theirs.remove(image.id);
			});
			it(`${size} bytes that the node writes in their place are read by Glance`, async () => {
				const known = await written(theirs, bytes);
				await using driver = await reached.open();
				await driver.remove(placeOf(known), { signal });
				await nothingLeft(store, known.id);
				const image = await written(ours, bytes, known.id);
				assert.equal(placeOf(image), placeOf(known));
				await readAndDeleted(known, image);
			});
		} else {
			it(`${size} bytes that Glance has written are read and deleted by the node`, async () => {
				const known = await written(theirs, bytes);
				const image = await ours.give(placeOf(known), store.id, known);
				assertKnows(image, bytes);
				const secret = reached.secret;
				if (secret !== undefined)
					assert.ok(placeOf(known).includes(secret) && !placeOf(image).includes(secret), 'it is not shown');
				await eachRange(bytes, (range) => ours.bytes(image.id, range));
				await deleted(image, known.id);
				await theirs.remove(known.id);
			});
			it(`${size} bytes that the node has written are read by Glance`, async () => {
				const image = await written(ours, bytes);
				const known = await theirs.give(reached.forGlance(placeOf(image)), store.id, image);
				await readAndDeleted(known, image);
			});
		}

		const readAndDeleted = async (known: Image, image: Image) => {
			assertKnows(known, bytes);
			assertSame(await theirs.bytes(known.id), bytes, 'through Glance');
			await deleted(image, image.id);
			await theirs.remove(known.id);
		};
	}

	/** Through the node; nothing with this name is left. */
	async function deleted(image: Image, name: string): Promise<void> {
		assert.notDeepEqual(await store.leftOf(name), []);
		await ours.remove(image.id);
		await nothingLeft(store, name);
	}
}

function nothingLeft(store: SharedStore, id: string): Promise<true> {
	return eventually(`nothing of ${id} in ${store.id}`, async () => ((await store.leftOf(id)).length === 0 ? true : undefined));
}
