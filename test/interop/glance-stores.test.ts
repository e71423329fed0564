/** Debian's Glance and a node, configured by one glance-api.conf: each reads what the other has written into its stores. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { filesystemSettings } from '#store/drivers/filesystem/options.ts';
import { openFilesystem } from '#store/drivers/filesystem.ts';
import { eventually } from '../support/eventually.ts';
import { type NodeProcess, startNode } from '../support/node-process.ts';
import { absentModules, type GlanceStore, type OwnGlance, startGlance } from '../support/own-glance.ts';
import { patternBytes } from '../support/pattern.ts';
import { radosgw } from '../support/s3-servers.ts';
import { collect, digestOf, signal } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const MiB = 1024 * 1024;
const PATCH = 'application/openstack-images-v2.1-json-patch';
const OCTETS = 'application/octet-stream';

/** One of the stores that both have, and what is in it as somebody else sees it. */
interface Scene extends GlanceStore {
	/** Bytes of an image that goes up in parts. */
	readonly large: number;
	/** names of everything that belongs to the image */
	leftOf(id: string): Promise<readonly string[]>;
	/** A location of ours as a client gives it to Glance; absent where clients may not name places. */
	readonly forGlance?: (url: string) => string;
	/** Takes the image's bytes away, behind everybody's back; where clients may not name places. */
	readonly clear?: (id: string) => Promise<void>;
}
type MaybeScene = Scene | { readonly id: string; readonly missing: string };

const cleanup = new AsyncDisposableStack();
after(() => cleanup.disposeAsync());
const dir = cleanup.use(await temporaryDir());
const lacks = await absentModules('glance', 'glance_store');
const missing = lacks.length > 0 && 'Debian has no Glance here: install glance-api';

const scenes: readonly MaybeScene[] = missing ? [] : [fileScene(), await s3Scene()];
const present = scenes.filter((scene): scene is Scene => !('missing' in scene));
const glance = missing ? undefined : cleanup.use(await startGlance(join(dir.path, 'glance'), present));
const node = glance && cleanup.use(await nodeBeside(glance));

function nodeBeside({ confFile }: OwnGlance): Promise<NodeProcess> {
	return startNode({ dataDir: join(dir.path, 'node'), env: { SUNDOG_GLANCE_CONFIG: confFile }, readyTimeoutMs: 60_000 });
}

function fileScene(): Scene {
	const folder = join(dir.path, 'images');
	return {
		id: 'file1',
		type: 'file',
		options: { filesystem_store_datadir: folder },
		large: 5 * MiB + 123,
		leftOf: async (id) => (await readdir(folder)).filter((name) => name.includes(id)),
		clear: (id) => rm(join(folder, id)),
	};
}

async function s3Scene(): Promise<MaybeScene> {
	const absent = await absentModules('boto3');
	if (absent.length > 0) return { id: 's3', missing: `Debian's Python lacks ${absent.join(', ')}` };
	const opened = await radosgw();
	if (opened.missing !== false) return { id: 's3', missing: opened.missing };
	const server = cleanup.use(opened.server);
	const bucket = await server.createBucket();
	const options = server.options(bucket) as Record<string, string>;
	return {
		id: 's3',
		type: 's3',
		options,
		large: 11 * MiB + 5,
		leftOf: async (id) =>
			[...(await server.keys(bucket)), ...(await server.pendingUploads(bucket))].filter((key) => key.includes(id)),
		// Glance reads no location without a key
		forGlance: (url) => url.replace('://', `://${options.s3_store_access_key}:${options.s3_store_secret_key}@`),
	};
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
	const ask = async (method: string, path: string, headers: Record<string, string> = {}, body?: string | Uint8Array) => {
		const init = {
			method,
			headers,
			signal: AbortSignal.timeout(60_000),
			...(body !== undefined && { body: new Blob([body as string]) }),
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
	const bytes = async (id: string, headers: Record<string, string> = {}) =>
		new Uint8Array(await (await ask('GET', `/${id}/file`, headers)).arrayBuffer());
	return {
		show,
		/** Until it is in a place. */
		async upload(content: Uint8Array, store: string, wanted?: string): Promise<Image> {
			const id = await create(wanted);
			await ask('PUT', `/${id}/file`, { 'content-type': OCTETS, 'x-image-meta-store': store }, content);
			return eventually('the image in its store', async () => {
				const image = await show(id);
				return image.status === 'active' && image.locations.length === 1 ? image : undefined;
			});
		},
		/** An image whose bytes lie there already; `of` knows what they are. */
		async give(url: string, store: string, { checksum, os_hash_algo, os_hash_value }: Image): Promise<Image> {
			const id = await create();
			const value = { url, metadata: { store }, validation_data: { checksum, os_hash_algo, os_hash_value } };
			await ask('PATCH', `/${id}`, { 'content-type': PATCH }, JSON.stringify([{ op: 'add', path: '/locations/-', value }]));
			return show(id);
		},
		bytes,
		range: (id: string, start: number, end: number) => bytes(id, { range: `bytes=${start}-${end - 1}` }),
		remove: (id: string) => ask('DELETE', `/${id}`),
	};
}

function assertSame(actual: Uint8Array, expected: Uint8Array, what: string): void {
	assert.equal(actual.length, expected.length, what);
	assert.equal(digestOf(actual), digestOf(expected), what);
}

/** Around the first byte, the borders of parts and the last byte. */
function rangesOf(size: number): readonly (readonly [number, number])[] {
	const borders = [0, 1_024_000, MiB, 5 * MiB, 10 * MiB, size];
	return borders.filter((border) => border <= size).map((border) => [Math.max(0, border - 3), Math.min(size, border + 3)]);
}

function assertKnows(image: Image, bytes: Uint8Array): void {
	const md5 = createHash('md5').update(bytes).digest('hex');
	const sha512 = createHash('sha512').update(bytes).digest('hex');
	assert.deepEqual(
		[image.status, image.size, image.checksum, image.os_hash_algo, image.os_hash_value],
		['active', bytes.length, md5, 'sha512', sha512],
	);
}

for (const scene of scenes) {
	if ('missing' in scene) describe(`the store ${scene.id} of Glance and of a node`, { skip: scene.missing }, () => {});
	else if (glance && node) beside(scene, clientOf(glance), clientOf({ url: node.http, log: node.log }));
}
if (missing) describe('stores of Glance and of a node', { skip: missing }, () => {});

type Client = ReturnType<typeof clientOf>;

function beside(scene: Scene, theirs: Client, ours: Client): void {
	const sizes = [1, MiB + 1, scene.large];
	const { forGlance } = scene;
	describe(`the store ${scene.id} of Glance and of a node`, () => {
		for (const size of sizes) {
			const bytes = patternBytes(size, size);
			if (forGlance === undefined) {
				it(`${size} bytes that Glance has written are read in its folder`, () => readInFolder(scene, theirs, bytes));
				it(`${size} bytes that the node writes in Glance's place are read by Glance`, () => replaced(scene, theirs, ours, bytes));
			} else {
				it(`${size} bytes that Glance has written are read and deleted by the node`, () => taken(scene, theirs, ours, bytes));
				it(`${size} bytes that the node has written are read by Glance`, () => given(scene, forGlance, theirs, ours, bytes));
			}
		}
	});
}

/** Clients cannot name files: the driver alone reads them. */
async function readInFolder({ options }: Scene, theirs: Client, bytes: Uint8Array): Promise<void> {
	const image = await theirs.upload(bytes, 'file1');
	await using driver = await openFilesystem(filesystemSettings(options));
	const url = image.locations[0]?.url ?? '';
	assert.equal(driver.locate(image.id), url);
	assertSame(await collect(driver, url, 'whole'), bytes, 'whole');
	for (const [start, end] of rangesOf(bytes.length))
		assertSame(await collect(driver, url, { start, end }), bytes.subarray(start, end), `${start}-${end}`);
	await driver.remove(url, { signal });
	await theirs.remove(image.id);
}

/** Glance knows the image, by the id that the node takes for its own, and its bytes are gone. */
async function replaced(scene: Scene, theirs: Client, ours: Client, bytes: Uint8Array): Promise<void> {
	const known = await theirs.upload(bytes, scene.id);
	await scene.clear?.(known.id);
	const image = await ours.upload(bytes, scene.id, known.id);
	assert.deepEqual(
		image.locations.map(({ url }) => url),
		known.locations.map(({ url }) => url),
	);
	assertKnows(image, bytes);
	assertSame(await theirs.bytes(known.id), bytes, 'through Glance');
	await gone(scene, ours, image);
	await theirs.remove(known.id);
}

async function taken(scene: Scene, theirs: Client, ours: Client, bytes: Uint8Array): Promise<void> {
	const written = await theirs.upload(bytes, scene.id);
	assertKnows(written, bytes);
	const image = await ours.give(written.locations[0]?.url ?? '', scene.id, written);
	assertKnows(image, bytes);
	assert.equal(image.locations[0]?.metadata.store, scene.id);
	assertSame(await ours.bytes(image.id), bytes, 'whole');
	for (const [start, end] of rangesOf(bytes.length))
		assertSame(await ours.range(image.id, start, end), bytes.subarray(start, end), `${start}-${end}`);
	assert.notDeepEqual(await scene.leftOf(written.id), []);
	await ours.remove(image.id);
	await nothingLeft(scene, written.id);
	await theirs.remove(written.id);
}

async function given(
	scene: Scene,
	toGlance: (url: string) => string,
	theirs: Client,
	ours: Client,
	bytes: Uint8Array,
): Promise<void> {
	const image = await ours.upload(bytes, scene.id);
	assertKnows(image, bytes);
	const known = await theirs.give(toGlance(image.locations[0]?.url ?? ''), scene.id, image);
	assertKnows(known, bytes);
	assertSame(await theirs.bytes(known.id), bytes, 'through Glance');
	await gone(scene, ours, image);
	await theirs.remove(known.id);
}

async function gone(scene: Scene, ours: Client, { id }: Image): Promise<void> {
	assert.notDeepEqual(await scene.leftOf(id), []);
	await ours.remove(id);
	await nothingLeft(scene, id);
}

function nothingLeft(scene: Scene, id: string): Promise<true> {
	return eventually(`nothing of ${id} in ${scene.id}`, async () => ((await scene.leftOf(id)).length === 0 ? true : undefined));
}
