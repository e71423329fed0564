/**
 * Many uploads at once into a quota that holds a few of them, with everything that can befall an upload: at no moment
 * may a project have more than it may, and afterwards nothing may be held for requests that are gone.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLevel } from '#catalogue/level/key-value.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import { NO_USAGE } from '#domain/usage.ts';
import { KiB, MiB } from '#lib/sizes.ts';
import { createFleet, type Member } from '../support/fleet.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { caller, type TestSite, testCatalogue, testSite, UPLOADABLE } from '../support/onion.ts';
import { type Random, seededRandom, testSeed } from '../support/random.ts';
import { sampleContent } from '../support/sample-content.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const UPLOADS = 64;
const ROUNDS = 100;
const KILLS = 3;
const OWNER = 'project-a';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

type Fate = 'ends' | 'is deleted' | 'client goes' | 'disk fails' | 'token ends';
const FATES: readonly Fate[] = ['ends', 'ends', 'ends', 'is deleted', 'client goes', 'disk fails', 'token ends'];

const FAILURES: Readonly<Partial<Record<Fate, () => Error>>> = {
	'client goes': () => new ImageError('aborted', 'the client closed the connection'),
	'disk fails': () => new ImageError('full', 'no space left'),
	'token ends': () => new ImageError('unauthenticated', 'the token has ended'),
};

/** Bytes in pieces with pauses of any length, cut off by what befalls the upload. */
async function* fated(random: Random, bytes: Uint8Array, fate: Fate, befall: () => Promise<unknown>): AsyncGenerator<Uint8Array> {
	const failsAt = random.between(0, bytes.length);
	let befallen: Promise<unknown> | undefined;
	for (let at = 0; at < bytes.length; ) {
		if (at >= failsAt && fate !== 'ends') {
			const failure = FAILURES[fate];
			if (failure) throw failure();
			befallen ??= befall();
		}
		const end = Math.min(bytes.length, at + random.between(1, bytes.length >> 1));
		yield bytes.subarray(at, end);
		at = end;
		for (let pauses = random.between(0, 3); pauses > 0; pauses--) await turn();
	}
	await befallen;
}

/** One upload from create to its end, whatever that is; true when its image is active. */
async function upload({ images }: TestSite, random: Random, size: number): Promise<boolean> {
	const ctx = caller();
	const { id } = await images.create(ctx, UPLOADABLE);
	const fate = FATES[random.between(0, FATES.length - 1)] ?? 'ends';
	const data = fated(random, randomBytes(size), fate, () => images.remove(ctx, id).catch(() => {}));
	const declared = random.next() < 0.5 ? { declaredSize: size } : {};
	for (let pauses = random.between(0, 20); pauses > 0; pauses--) await turn();
	try {
		return (await images.upload(ctx, id, { data, maxBytes: Number.MAX_SAFE_INTEGER, ...declared })).status === 'active';
	} catch (error) {
		assert.ok(error instanceof ImageError, String(error));
		return false;
	}
}

test(`${ROUNDS} rounds of ${UPLOADS} uploads into a quota for ten: never more, never less than is there, nothing left held`, async (t) => {
	const seed = testSeed();
	t.diagnostic(`seed ${seed} (SUNDOG_TEST_SEED repeats it)`);
	const random = seededRandom(seed);
	const size = 10 * KiB;
	const quotaBytes = 10 * size;
	const data = memoryImageData();
	const counts = { image_size_total: -1, image_stage_total: -1, image_count_total: 80, image_count_uploading: 40 };
	const unified = { of: () => turn().then(() => counts) };
	const site = await testSite({ limits: { userStorage: quotaBytes, queuedImages: 70 }, unified, data });
	const { catalogue, quota, images } = site;
	let done = 0;

	function look(): void {
		const [used, held] = [catalogue.usage(OWNER), quota.reserved(OWNER)];
		assert.ok(used.bytes + held.bytes <= quotaBytes, `${used.bytes} used, ${held.bytes} held`);
		assert.ok(used.uploading + held.uploading <= 40, `${used.uploading} uploading, ${held.uploading} held`);
		assert.ok(used.queued + held.queued <= 70, `${used.queued} queued, ${held.queued} held`);
	}
	let failure: unknown;
	catalogue.follow(() => {
		try {
			look();
		} catch (error) {
			failure ??= error;
		}
	});
	for (let round = 0; round < ROUNDS; round++) {
		const active = (await Promise.all(Array.from({ length: UPLOADS }, () => upload(site, random, size)))).filter(Boolean).length;
		if (failure) throw failure;
		look();
		assert.deepEqual(quota.reserved(OWNER), NO_USAGE, `round ${round}`);
		const { images: left } = await images.list(caller(), {
			filters: [],
			sort: [{ key: 'id', descending: false }],
			limit: 100,
			withCommunity: true,
		});
		const there = left.filter(({ status }) => status === 'active');
		assert.ok(there.length <= active);
		const kept = [...data.contents.values()].reduce((sum, { length }) => sum + length, 0);
		assert.deepEqual(catalogue.usage(OWNER), {
			images: left.length,
			queued: left.length - there.length,
			uploading: 0,
			bytes: there.length * size,
			stagedBytes: 0,
		});
		assert.equal(kept, there.length * size, 'bytes of refused uploads stay');
		done += there.length;
		for (const { id } of left) await images.remove(caller(), id);
		assert.deepEqual(catalogue.usage(OWNER), NO_USAGE);
	}
	t.diagnostic(`${done} of ${ROUNDS * UPLOADS} uploads became active`);
});

test('100 000 creates, 64 at a time, leave as many queued images as there may be and little else', async (t) => {
	const creates = 100_000;
	const queuedImages = 100;
	await using dir = await temporaryDir();
	const kv = await openLevel(join(dir.path, 'db'));
	const catalogue = await testCatalogue('centre', kv);
	const { images, quota } = await testSite({ catalogue, limits: { queuedImages } });
	const before = await bytesIn(dir.path);
	let started = 0;
	let made = 0;
	async function flood(): Promise<void> {
		while (started++ < creates) {
			try {
				await images.create(caller(), { properties: { padding: 'x'.repeat(200) } });
				made++;
			} catch (error) {
				assert.equal(codeOf(error), 'limit-exceeded');
			}
		}
	}
	await Promise.all(Array.from({ length: 64 }, flood));
	assert.equal(made, queuedImages);
	assert.equal(catalogue.usage(OWNER).queued, queuedImages);
	assert.deepEqual(quota.reserved(OWNER), NO_USAGE);
	await catalogue[Symbol.asyncDispose]();
	await kv.close();
	const grown = (await bytesIn(dir.path)) - before;
	t.diagnostic(`the database grew by ${grown} bytes`);
	assert.ok(grown < 2 * MiB, `${grown} bytes`);
});

async function bytesIn(dir: string): Promise<number> {
	const files = (await readdir(dir, { recursive: true, withFileTypes: true })).filter((each) => each.isFile());
	const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
	return sizes.reduce((sum, size) => sum + size, 0);
}

const QUOTA = 100 * MiB;
const SIZE = 10 * MiB;

/** What is used and what is free add up to the quota, to the byte. */
async function assertExact({ client }: Member): Promise<number> {
	const images = await client.list('?limit=1000');
	const used = images.reduce((sum, image) => sum + (image.status === 'active' ? (image.size ?? 0) : 0), 0);
	assert.ok(used <= QUOTA, `${used} bytes are active`);
	assert.ok(images.every(({ status }) => status === 'active' || status === 'queued'));
	const { id } = await client.create();
	const left = QUOTA - used;
	// refused by what it declares: sending all of it would race with the end of the connection
	const more = { size: left + 1, pieces: () => sampleContent('more', 1).pieces() };
	assert.equal((await client.upload(id, more)).status, 413);
	assert.equal((await client.upload(id, sampleContent('all of it', left))).status, 204);
	const { id: last } = await client.create();
	assert.equal((await client.upload(last, sampleContent('one', 1), { contentLength: null })).status, 413);
	return used / SIZE;
}

test(`${UPLOADS} uploads of 10 MiB into 100 MiB at a node, ${KILLS} times with kill -9 in the middle: exact after each restart`, async (t) => {
	const seed = testSeed();
	t.diagnostic(`seed ${seed} (SUNDOG_TEST_SEED repeats it)`);
	const random = seededRandom(seed);
	await using fleet = await createFleet();
	const node = await fleet.centre({ env: { SUNDOG_QUOTA_USER_STORAGE: `${QUOTA}` } });
	const kept: number[] = [];
	const restarts: number[] = [];

	async function everybody(onEnd: (status: number) => void): Promise<void> {
		const ids = await Promise.all(Array.from({ length: UPLOADS }, async () => (await node.client.create()).id));
		const uploads = ids.map(async (id, n) => {
			const content = sampleContent(`${seed}/${n}`, SIZE);
			onEnd((await node.client.upload(id, content, n % 2 === 0 ? {} : { contentLength: null })).status);
		});
		await Promise.allSettled(uploads);
	}
	async function clean(): Promise<void> {
		for (const { id } of await node.client.list('?limit=1000')) await node.client.remove(id);
	}

	await everybody((status) => assert.ok(status === 204 || status === 413, String(status)));
	kept.push(await assertExact(node));
	await clean();
	for (let round = 0; round < KILLS; round++) {
		const killAfter = random.between(1, 6);
		const { promise: time, resolve: now } = Promise.withResolvers<void>();
		let done = 0;
		const all = everybody((status) => {
			if (status === 204 && ++done >= killAfter) now();
		}).then(now, now);
		await time;
		await node.node.kill('SIGKILL');
		await all;
		await fleet.revive(node);
		restarts.push(Math.round(node.node.startMs));
		kept.push(await assertExact(node));
		await clean();
	}
	t.diagnostic(`active of ${UPLOADS}: ${kept.join(', ')}; restarts took ${restarts.join(', ')} ms`);
});
