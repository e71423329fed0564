/** Equal blocks are stored once, and none is lost when the content that keeps them goes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MiB } from '#lib/sizes.ts';
import { storeSource, testSources } from '../support/block-sources.ts';
import { chunks, diskBytes, filesUnder, openContent, put, readAll } from '../support/open-content.ts';
import { patternBytes } from '../support/pattern.ts';

const soon = (): AbortSignal => AbortSignal.timeout(60_000);
const never = async (): Promise<boolean> => false;
/** What a directory entry or a partly filled extent may cost beside the blocks. */
const SLACK = 64 * 1024;

const block = (seed: number): Buffer => Buffer.from(patternBytes(MiB, seed));
const image = (...seeds: number[]): Buffer => Buffer.concat(seeds.map((seed) => (seed === 0 ? Buffer.alloc(MiB) : block(seed))));

describe('shared blocks', { timeout: 120_000 }, () => {
	test('blocks that repeat within one upload are stored once', async () => {
		await using content = await openContent();
		const bytes = image(1, 2, 1, 0, 1, 2, 3, 1);
		await using written = await put(content.store, chunks(bytes));
		assert.ok((await diskBytes(content.path)) <= 3 * MiB + SLACK);
		assert.deepEqual(await readAll(content.store, written.content), bytes);
		assert.equal(content.store.file(written.content.root), undefined);
		assert.equal(
			(await content.store.digest(written.content, { hashAlgorithm: 'sha512', signal: soon() })).hashValue,
			written.hashValue,
		);
	});

	test('blocks that another content has are stored once', async () => {
		await using content = await openContent();
		await using _first = await put(content.store, chunks(image(1, 2, 3, 4)));
		const bytes = image(9, 3, 2, 0, 1);
		await using second = await put(content.store, chunks(bytes));
		assert.ok((await diskBytes(content.path)) <= 5 * MiB + SLACK);
		assert.deepEqual(await readAll(content.store, second.content), bytes);
		assert.deepEqual(
			await readAll(content.store, second.content, { start: MiB / 2, end: 3 * MiB + 9 }),
			bytes.subarray(MiB / 2, 3 * MiB + 9),
		);
		await using reader = await content.store.open(second.content.root);
		const into = Buffer.alloc(MiB);
		assert.equal(await reader?.read(1, into), MiB);
		assert.deepEqual(into, block(3));
	});

	test('blocks move to those who depend on them before their keeper goes', async () => {
		let content = await openContent();
		const keeper = await put(content.store, chunks(image(1, 2, 3, 4)));
		const [firstBytes, secondBytes] = [image(3, 2, 7, 3), image(2, 1, 8)];
		const first = await put(content.store, chunks(firstBytes));
		const second = await put(content.store, chunks(secondBytes));
		await keeper[Symbol.asyncDispose]();
		await content.store.forget(keeper.content.root);
		assert.equal(content.store.presence(keeper.content.root), 'none');
		assert.deepEqual(await readAll(content.store, first.content), firstBytes);
		assert.deepEqual(await readAll(content.store, second.content), secondBytes);
		assert.ok((await diskBytes(content.path)) <= 5 * MiB + SLACK, 'blocks 1, 2, 3, 7, 8 once each');
		content = await content.reopened();
		assert.deepEqual(await readAll(content.store, first.content), firstBytes);
		assert.deepEqual(await readAll(content.store, second.content), secondBytes);
		await content.store.forget(first.content.root);
		assert.deepEqual(await readAll(content.store, second.content), secondBytes);
		assert.equal((await content.store.collect(never)).removed, 1);
		assert.equal((await filesUnder(content.path)).size, 0);
		assert.deepEqual(await keysOf(content.index), []);
		await content[Symbol.asyncDispose]();
	});

	test('a content that got all its blocks back is a plain file again', async () => {
		await using content = await openContent();
		const keeper = await put(content.store, chunks(image(1, 2)));
		const bytes = image(2, 5);
		await using written = await put(content.store, chunks(bytes));
		assert.equal(content.store.file(written.content.root), undefined);
		await keeper[Symbol.asyncDispose]();
		await content.store.forget(keeper.content.root);
		assert.ok(content.store.file(written.content.root) !== undefined);
		assert.deepEqual(await readAll(content.store, written.content), bytes);
		assert.equal([...(await filesUnder(content.path)).keys()].filter((name) => name.endsWith('.have')).length, 0);
	});

	test('a keeper is not removed while a content that reads through it is open', async () => {
		await using content = await openContent();
		const keeper = await put(content.store, chunks(image(1, 2, 3)));
		const bytes = image(4, 3, 2, 1);
		const written = await put(content.store, chunks(bytes));
		await keeper[Symbol.asyncDispose]();
		const reading = content.store
			.read(written.content, { start: 0, end: bytes.length }, { signal: soon() })
			[Symbol.asyncIterator]();
		const parts: Buffer[] = [];
		for (let step = await reading.next(); step.done !== true; step = await reading.next()) {
			parts.push(Buffer.from(step.value));
			await content.store.forget(keeper.content.root);
		}
		assert.deepEqual(Buffer.concat(parts), bytes);
		await written[Symbol.asyncDispose]();
	});

	test('a partial content keeps what it has from a keeper that goes', async () => {
		const bytes = image(1, 2, 3, 4, 5);
		await using far = await openContent();
		const { content } = await put(far.store, chunks(bytes));
		const sources = testSources(storeSource('far', far.store));
		let near = await openContent({ sources });
		const keeper = await put(near.store, chunks(image(2, 4)));
		assert.deepEqual(await readAll(near.store, content, { start: 0, end: MiB }), block(1));
		await keeper[Symbol.asyncDispose]();
		await near.store.forget(keeper.content.root);
		near = await near.reopened();
		await near.store.collect(async (root) => root === content.root);
		assert.equal(near.store.presence(keeper.content.root), 'none');
		assert.equal(near.store.presence(content.root), 'partial');
		sources.list = [];
		assert.deepEqual(await readAll(near.store, content, { start: 0, end: 2 * MiB }), image(1, 2));
		assert.deepEqual(await readAll(near.store, content, { start: 3 * MiB, end: 4 * MiB }), block(4));
		await near[Symbol.asyncDispose]();
	});

	test('an upload that was shared with an aborted one loses nothing', async () => {
		await using content = await openContent();
		const bytes = image(1, 2, 3, 4);
		const aborting = new AbortController();
		const doomed = put(content.store, thenHang(bytes, aborting), { signal: aborting.signal });
		await using written = await put(content.store, chunks(bytes));
		await assert.rejects(doomed);
		assert.deepEqual(await readAll(content.store, written.content), bytes);
	});

	test('collect spares what was pinned while it was looking', async () => {
		await using content = await openContent();
		const bytes = image(1);
		const first = await put(content.store, chunks(bytes));
		await first[Symbol.asyncDispose]();
		const result = await content.store.collect(async () => {
			// An image gets the same bytes between the question and the removal.
			await (await put(content.store, chunks(bytes)))[Symbol.asyncDispose]();
			return false;
		});
		assert.equal(result.removed, 0);
		assert.deepEqual(await readAll(content.store, first.content), bytes);
	});

	test('uploads, reads and removals at random keep every live content whole', async () => {
		await using content = await openContent();
		const live = new Map<string, { readonly bytes: Buffer; readonly release: () => Promise<void> }>();
		let state = 7;
		const random = (below: number): number => {
			state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
			return Math.floor((state / 2 ** 32) * below);
		};
		for (let step = 0; step < 60; step++) {
			if (random(3) > 0 || live.size === 0) {
				const bytes = image(...Array.from({ length: 1 + random(5) }, () => random(8)));
				const written = await put(content.store, chunks(bytes));
				await live.get(written.content.root)?.release();
				live.set(written.content.root, { bytes, release: async () => written[Symbol.asyncDispose]() });
			} else {
				const root = [...live.keys()][random(live.size)] ?? '';
				await live.get(root)?.release();
				live.delete(root);
				await content.store.collect(async (other) => live.has(other));
				assert.equal(content.store.presence(root), 'none');
			}
			for (const [root, { bytes }] of live)
				assert.deepEqual(await readAll(content.store, { root, size: bytes.length, blockSize: MiB }), bytes);
		}
		for (const { release } of live.values()) await release();
		await content.store.collect(never);
		assert.equal((await filesUnder(content.path)).size, 0);
		assert.deepEqual(await keysOf(content.index), []);
	});
});

async function keysOf(index: { keys(range: object): AsyncIterable<string> }): Promise<string[]> {
	const keys: string[] = [];
	for await (const key of index.keys({})) keys.push(key);
	return keys;
}

async function* thenHang(bytes: Buffer, aborting: AbortController): AsyncGenerator<Uint8Array> {
	yield bytes;
	setTimeout(() => aborting.abort(), 30);
	await new Promise(() => undefined);
}
