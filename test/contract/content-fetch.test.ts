/** Read-through: what the content store promises about other holders, good and bad ones. */
import assert from 'node:assert/strict';
import { chmod, open, rm, truncate } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { ContentLimits } from '#content/limits.ts';
import type { BlockSource } from '#content/ports.ts';
import { codeOf, type ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import { MiB } from '#lib/sizes.ts';
import { type Behaviour, storeSource, type TestSources, testSources } from '../support/block-sources.ts';
import { chunks, diskBytes, type OpenContent, openContent, put, readAll } from '../support/open-content.ts';
import { patternBytes, patternStream } from '../support/pattern.ts';

const SIZE = 40 * MiB + 321;
const BLOCKS = 41;
const HASTY: Partial<ContentLimits> = { sourceWaitMs: 300, blockTimeoutMs: 400, manifestTimeoutMs: 400, hedgeAfterMs: 150 };
const rejectsWith = (code: string) => (error: unknown) => codeOf(error) === code;
const soon = (): AbortSignal => AbortSignal.timeout(60_000);

describe('read-through', { timeout: 240_000 }, () => {
	test('a content that is not here is read from a holder, verified, and kept', async () => {
		await using pair = await openPair();
		const { far, near, content, sources } = pair;
		const source = storeSource('far', far.store);
		sources.list = [source];
		assert.equal(near.store.presence(content.root), 'none');
		assert.deepEqual(await readAll(near.store, content), pair.bytes);
		await near.store.complete(content, { signal: soon() });
		assert.equal(near.store.presence(content.root), 'complete');
		assert.deepEqual(
			source.fetched.toSorted((a, b) => a - b),
			range(BLOCKS),
		);
		assert.deepEqual(near.ledger.of(content.root), [{ kind: 'peer', name: 'far', bytes: SIZE }]);
		sources.list = [];
		assert.deepEqual(await readAll(near.store, content), pair.bytes);
		assert.equal(near.ledger.of(content.root).find(({ kind }) => kind === 'local')?.bytes, SIZE);
		assert.ok(near.store.file(content.root) !== undefined);
	});

	test('two readers and a completion share one fetch of each block', async () => {
		await using pair = await openPair();
		const [a, b] = [storeSource('a', pair.far.store), storeSource('b', pair.far.store, { kind: 'origin' })];
		pair.sources.list = [a, b];
		const seen: number[] = [];
		const [first, second] = await Promise.all([
			readAll(pair.near.store, pair.content),
			readAll(pair.near.store, pair.content, { start: 20 * MiB, end: SIZE }),
			pair.near.store.complete(pair.content, { signal: soon(), onProgress: ({ blocks }) => seen.push(blocks) }),
		]);
		assert.deepEqual(first, pair.bytes);
		assert.deepEqual(second, pair.bytes.subarray(20 * MiB));
		assert.equal(a.fetched.length + b.fetched.length, BLOCKS);
		assert.ok(a.fetched.length > 0 && b.fetched.length > 0);
		assert.equal(a.manifests + b.manifests, 1);
		assert.equal(seen.at(-1), BLOCKS);
		assert.deepEqual(
			seen,
			seen.toSorted((x, y) => x - y),
		);
	});

	test('a range is fetched first and alone', async () => {
		await using pair = await openPair();
		const source = storeSource('far', pair.far.store);
		pair.sources.list = [source];
		const part = { start: 30 * MiB + 5, end: 32 * MiB + 7 };
		assert.deepEqual(await readAll(pair.near.store, pair.content, part), pair.bytes.subarray(part.start, part.end));
		assert.deepEqual(source.fetched, [30, 31, 32]);
		assert.equal(pair.near.store.presence(pair.content.root), 'partial');
	});

	test('a reader fetches no further ahead than its window', async () => {
		await using pair = await openPair({ readWindowBytes: 4 * MiB });
		const source = storeSource('far', pair.far.store, { depth: 16 });
		pair.sources.list = [source];
		const reading = pair.near.store.read(pair.content, { start: 0, end: SIZE }, { signal: soon() })[Symbol.asyncIterator]();
		await reading.next();
		// The piece in hand, and the one being filled ahead, whose window reaches to block 5.
		await untilStill(source.fetched);
		assert.ok(Math.max(...source.fetched) <= 5, `${source.fetched}`);
		await reading.return?.(undefined);
	});

	for (const [how, spoil] of [
		['flips a bit', (_: number, bytes: Uint8Array) => void bytes.set([(bytes[7] ?? 0) ^ 4], 7)],
		[
			'gives another block',
			(index: number, bytes: Uint8Array) =>
				void bytes.set(
					patternBytes(SIZE)
						.subarray(((index + 1) % 40) * MiB)
						.subarray(0, bytes.length),
				),
		],
		['writes nothing', (_: number, bytes: Uint8Array) => void bytes.fill(0)],
		['gives a block of another content', (_: number, bytes: Uint8Array) => void bytes.set(patternBytes(bytes.length, 99))],
	] as const) {
		test(`a source that ${how} is reported, and the bytes come from elsewhere`, async () => {
			await using pair = await openPair();
			pair.sources.list = [storeSource('liar', pair.far.store, { spoil }), storeSource('honest', pair.far.store)];
			assert.deepEqual(await readAll(pair.near.store, pair.content), pair.bytes);
			assert.ok(pair.sources.bad.length > 0);
			assert.ok(pair.sources.bad.every(({ name }) => name === 'liar'));
			assert.ok(pair.near.ledger.of(pair.content.root).every(({ name }) => name !== 'liar'));
		});

		test(`alone, a source that ${how} gives a clean failure and not one wrong byte`, async () => {
			await using pair = await openPair(HASTY);
			pair.sources.list = [
				storeSource('liar', pair.far.store, { spoil: (index, bytes) => (index < 3 ? undefined : spoil(index, bytes)) }),
			];
			const got: Buffer[] = [];
			await assert.rejects(async () => {
				for await (const chunk of pair.near.store.read(pair.content, { start: 0, end: SIZE }, { signal: soon() }))
					got.push(Buffer.from(chunk));
			}, rejectsWith('unavailable'));
			assert.deepEqual(Buffer.concat(got), pair.bytes.subarray(0, Buffer.concat(got).length));
			assert.ok(Buffer.concat(got).length <= 3 * MiB);
		});
	}

	test('a manifest that does not fold to the root is refused and reported', async () => {
		await using pair = await openPair(HASTY);
		const forged = (digests: Uint8Array): Uint8Array => {
			digests[40] = (digests[40] ?? 0) ^ 1;
			return digests;
		};
		pair.sources.list = [storeSource('liar', pair.far.store, { spoilManifest: forged })];
		await assert.rejects(readAll(pair.near.store, pair.content), rejectsWith('unavailable'));
		assert.deepEqual(pair.sources.bad, [{ name: 'liar', index: -1 }]);
		assert.equal(pair.near.store.presence(pair.content.root), 'none');
		pair.sources.list.push(
			storeSource('short', pair.far.store, { spoilManifest: (digests) => digests.subarray(32) }),
			storeSource('honest', pair.far.store),
		);
		assert.deepEqual(await readAll(pair.near.store, pair.content), pair.bytes);
	});

	test('a reference that no content can have is refused before anybody is asked', async () => {
		await using pair = await openPair(HASTY);
		const source = storeSource('far', pair.far.store);
		pair.sources.list = [source];
		for (const bad of [
			{ ...pair.content, root: '../../etc/passwd' },
			{ ...pair.content, size: 2 ** 52 },
			{ ...pair.content, size: 1.5 },
			{ ...pair.content, blockSize: 3 * MiB },
			{ ...pair.content, blockSize: 512 },
		])
			await assert.rejects(readAll(pair.near.store, bad, { start: 0, end: 1 }), rejectsWith('invalid'));
		assert.equal(source.manifests, 0);
	});

	test('the loss of a source mid-read is not noticed by the reader', async () => {
		await using pair = await openPair();
		let given = 0;
		const dying: Behaviour = {
			before: async () => {
				if (++given > 5) throw new Error('connection reset');
			},
		};
		pair.sources.list = [storeSource('dying', pair.far.store, dying), storeSource('steady', pair.far.store)];
		assert.deepEqual(await readAll(pair.near.store, pair.content), pair.bytes);
	});

	test('a reader without a source waits for one to come, and goes on from there', async () => {
		await using pair = await openPair({ ...HASTY, sourceWaitMs: 20_000 });
		let down = false;
		const first = storeSource('first', pair.far.store, {
			before: async (index) => {
				down ||= index >= 20;
				if (down) throw new Error('connection reset');
			},
		});
		pair.sources.list = [first];
		const reading = readAll(pair.near.store, pair.content);
		const second = storeSource('second', pair.far.store);
		await untilStill(first.fetched, 20);
		pair.sources.list = [second];
		pair.sources.changed();
		assert.deepEqual(await reading, pair.bytes);
		assert.ok(
			second.fetched.every((index) => index >= 19),
			'what had come was not fetched again',
		);
	});

	test('a source that fails once is tried again while there is no other', async () => {
		await using pair = await openPair({ ...HASTY, sourceWaitMs: 10_000 });
		let failures = 0;
		pair.sources.list = [
			storeSource('shaky', pair.far.store, {
				before: async (index) => {
					if (index === 11 && failures++ === 0) throw new Error('connection reset');
				},
			}),
		];
		assert.deepEqual(await readAll(pair.near.store, pair.content), pair.bytes);
	});

	test('a block that one source lacks comes from another', async () => {
		await using pair = await openPair(HASTY);
		const [even, odd] = [
			storeSource('even', pair.far.store, { has: (index) => index % 2 === 0 }),
			storeSource('odd', pair.far.store, { has: (index) => index % 2 === 1 }),
		];
		pair.sources.list = [even, odd];
		assert.deepEqual(await readAll(pair.near.store, pair.content), pair.bytes);
	});

	test('a block that nobody has is unavailable, and what came stays', async () => {
		await using pair = await openPair(HASTY);
		pair.sources.list = [storeSource('gap', pair.far.store, { has: (index) => index !== 25 })];
		await assert.rejects(readAll(pair.near.store, pair.content), rejectsWith('unavailable'));
		await assert.rejects(pair.near.store.complete(pair.content, { signal: soon() }), rejectsWith('unavailable'));
		assert.deepEqual(await readAll(pair.near.store, pair.content, { start: 0, end: 25 * MiB }), pair.bytes.subarray(0, 25 * MiB));
	});

	test('a source that stalls is left, and its blocks are taken over', async () => {
		await using pair = await openPair({ ...HASTY, sourceWaitMs: 10_000 });
		const stalled: Behaviour = { before: (index, signal) => (index < 4 ? Promise.resolve() : untilAborted(signal)) };
		pair.sources.list = [storeSource('stalled', pair.far.store, stalled), storeSource('steady', pair.far.store)];
		assert.deepEqual(await readAll(pair.near.store, pair.content), pair.bytes);
	});

	test('near the end a slow source is helped by a fast one, at most once a block', async () => {
		await using pair = await openPair({ ...HASTY, blockTimeoutMs: 20_000 });
		const [slow, fast] = [
			storeSource('slow', pair.far.store, { depth: 2, before: (_, signal) => untilAborted(signal) }),
			storeSource('fast', pair.far.store, { depth: 2 }),
		];
		pair.sources.list = [slow, fast];
		await pair.near.store.complete(pair.content, { signal: soon() });
		const asked = [...slow.fetched, ...fast.fetched];
		for (const index of range(BLOCKS)) assert.ok(asked.filter((other) => other === index).length <= 2);
		assert.equal(slow.fetched.length, 2);
		assert.deepEqual(
			fast.fetched.toSorted((a, b) => a - b),
			range(BLOCKS),
		);
	});

	test('a reader that leaves does not disturb the other', async () => {
		await using pair = await openPair();
		const leaving = new AbortController();
		const gone = Promise.withResolvers<void>();
		// Nobody gets past block 10 before the first reader has left.
		pair.sources.list = [
			storeSource('far', pair.far.store, { before: (index) => (index < 10 ? Promise.resolve() : gone.promise) }),
		];
		const left = readAll(pair.near.store, pair.content, undefined, { signal: leaving.signal });
		const stays = readAll(pair.near.store, pair.content);
		const iterator = pair.near.store.read(pair.content, { start: 0, end: SIZE }, { signal: soon() })[Symbol.asyncIterator]();
		await iterator.next();
		await iterator.return?.(undefined);
		leaving.abort();
		await assert.rejects(left, rejectsWith('aborted'));
		gone.resolve();
		assert.deepEqual(await stays, pair.bytes);
	});

	test('after a restart only what is missing is fetched', async () => {
		await using pair = await openPair();
		const source = storeSource('far', pair.far.store);
		pair.sources.list = [source];
		await readAll(pair.near.store, pair.content, { start: 0, end: 15 * MiB });
		await readAll(pair.near.store, pair.content, { start: 30 * MiB, end: 31 * MiB });
		pair.near = await pair.near.reopened();
		source.fetched.length = 0;
		assert.deepEqual(await readAll(pair.near.store, pair.content), pair.bytes);
		await pair.near.store.complete(pair.content, { signal: soon() });
		assert.deepEqual(
			source.fetched.toSorted((a, b) => a - b),
			range(BLOCKS).filter((index) => index >= 15 && index !== 30),
		);
	});

	test('zeros and blocks that the store has already are not fetched', async () => {
		const bytes = Buffer.alloc(12 * MiB);
		bytes.set(patternBytes(3 * MiB, 7), 0);
		bytes.set(patternBytes(2 * MiB, 8), 6 * MiB);
		bytes.set(patternBytes(MiB, 9), 10 * MiB);
		bytes.set(patternBytes(MiB, 9), 11 * MiB);
		await using pair = await openPair({}, bytes);
		await using _own = await put(pair.near.store, patternStream(3 * MiB, 65_536, 7));
		const source = storeSource('far', pair.far.store);
		pair.sources.list = [source];
		assert.deepEqual(await readAll(pair.near.store, pair.content), bytes);
		await pair.near.store.complete(pair.content, { signal: soon() });
		assert.deepEqual(
			source.fetched.toSorted((a, b) => a - b),
			[6, 7, 10],
		);
		assert.deepEqual(await readAll(pair.near.store, pair.content), bytes);
		assert.ok((await diskBytes(pair.near.path)) <= 6 * MiB + 128 * 1024);
	});

	test('without sharing, a fetched content is one plain file even if blocks repeat', async () => {
		const bytes = Buffer.concat([patternBytes(2 * MiB, 3), patternBytes(2 * MiB, 3), Buffer.alloc(MiB), patternBytes(100, 4)]);
		await using pair = await openPair({}, bytes, false);
		const source = storeSource('far', pair.far.store);
		pair.sources.list = [source];
		await pair.near.store.complete(pair.content, { signal: soon() });
		assert.deepEqual(
			source.fetched.toSorted((a, b) => a - b),
			[0, 1, 5],
		);
		assert.ok(pair.near.store.file(pair.content.root) !== undefined);
		assert.deepEqual(await readAll(pair.near.store, pair.content), bytes);
		assert.equal((await pair.near.store.digest(pair.content, { hashAlgorithm: 'sha256', signal: soon() })).checksum.length, 32);
	});

	test('an upload of a content that is just being fetched completes it', async () => {
		await using pair = await openPair(HASTY);
		const source = storeSource('far', pair.far.store, {
			before: (index, signal) => (index < 10 ? Promise.resolve() : untilAborted(signal)),
		});
		pair.sources.list = [source];
		const reading = readAll(pair.near.store, pair.content);
		await untilStill(source.fetched, 10);
		await using written = await put(pair.near.store, chunks(pair.bytes));
		assert.deepEqual(written.content, pair.content);
		assert.deepEqual(await reading, pair.bytes);
		assert.equal(pair.near.store.presence(pair.content.root), 'complete');
	});

	test('a partial content serves the blocks it has, and says which', async () => {
		await using pair = await openPair();
		pair.sources.list = [storeSource('far', pair.far.store)];
		await readAll(pair.near.store, pair.content, { start: 3 * MiB, end: 5 * MiB });
		await using reader = await pair.near.store.open(pair.content.root);
		const into = Buffer.alloc(MiB);
		assert.deepEqual(
			[2, 3, 4, 5].map((index) => reader?.has(index)),
			[false, true, true, false],
		);
		assert.equal(await reader?.read(2, into), 0);
		assert.equal(await reader?.read(3, into), MiB);
		assert.deepEqual(into, pair.bytes.subarray(3 * MiB, 4 * MiB));
	});

	test('a content whose blocks fail the manifest on disk is found corrupt, by block', async () => {
		await using pair = await openPair();
		const path = pair.far.store.file(pair.content.root) ?? '';
		await chmod(path, 0o640);
		await using file = await open(path, 'r+');
		await file.write(Buffer.from([1, 2, 3]), 0, 3, 17 * MiB + 9);
		await assert.rejects(
			pair.far.store.digest(pair.content, { hashAlgorithm: 'sha512', signal: soon() }),
			(error: ImageError) => error.code === 'corrupt' && /block 17 /.test(error.message),
		);
	});

	for (const range of [
		{ start: 0, end: SIZE },
		{ start: 16 * MiB + 5, end: 40 * MiB + 100 },
	])
		test(`damage on disk is met by whoever reads ${range.start} to ${range.end} with a check, and healed from others`, async () => {
			await using pair = await openPair(HASTY);
			const harmed = async () => {
				await pair.near.store.complete(pair.content, { signal: soon() });
				const path = pair.near.store.file(pair.content.root) ?? '';
				await chmod(path, 0o640);
				await using file = await open(path, 'r+');
				await file.write(Buffer.from([1, 2, 3]), 0, 3, 17 * MiB + 9);
			};
			const read = () => readAll(pair.near.store, pair.content, range, { check: true });
			pair.sources.list = [storeSource('far', pair.far.store)];
			await harmed();
			assert.deepEqual(await read(), pair.bytes.subarray(range.start, range.end));
			await harmed();
			pair.sources.list = [];
			await assert.rejects(read(), rejectsWith('unavailable'));
			assert.equal(pair.near.store.presence(pair.content.root), 'none');
		});

	for (const [what, harm] of [
		['is missing', (path: string) => rm(path)],
		['is shorter than it was', (path: string) => truncate(path, 5 * MiB)],
	] as const) {
		test(`a content whose file ${what} is put aside, and read from others`, async () => {
			await using pair = await openPair(HASTY);
			pair.sources.list = [storeSource('far', pair.far.store)];
			await pair.near.store.complete(pair.content, { signal: soon() });
			await harm(pair.near.store.file(pair.content.root) ?? '');
			pair.near = await pair.near.reopened();
			assert.deepEqual(await readAll(pair.near.store, pair.content), pair.bytes);
			await pair.near.store.complete(pair.content, { signal: soon() });
			pair.sources.list = [];
			pair.near = await pair.near.reopened();
			await harm(pair.near.store.file(pair.content.root) ?? '');
			await assert.rejects(readAll(pair.near.store, pair.content), rejectsWith('unavailable'));
			assert.equal(pair.near.store.presence(pair.content.root), 'none');
		});
	}

	test('the tiniest contents come over as well', async () => {
		for (const size of [0, 1, MiB]) {
			const bytes = Buffer.from(patternBytes(size, 5));
			await using pair = await openPair({}, bytes);
			pair.sources.list = [storeSource('far', pair.far.store)];
			assert.deepEqual(await readAll(pair.near.store, pair.content), bytes);
			await pair.near.store.complete(pair.content, { signal: soon() });
			assert.equal(pair.near.store.presence(pair.content.root), 'complete');
		}
	});
});

interface Pair extends AsyncDisposable {
	readonly far: OpenContent;
	near: OpenContent;
	readonly content: ContentRef;
	readonly bytes: Buffer;
	readonly sources: TestSources & { list: BlockSource[] };
}

async function openPair(
	limits: Partial<ContentLimits> = {},
	bytes = Buffer.from(patternBytes(SIZE)),
	shareBlocks = true,
): Promise<Pair> {
	const far = await openContent({ base: '/dev/shm' });
	const written = await put(far.store, chunks(bytes));
	const sources = testSources();
	const near = await openContent({ sources, limits, shareBlocks, base: '/dev/shm' });
	const pair: Pair = {
		far,
		near,
		bytes,
		sources,
		content: written.content,
		async [Symbol.asyncDispose]() {
			await pair.near[Symbol.asyncDispose]();
			await far[Symbol.asyncDispose]();
		},
	};
	return pair;
}

function range(end: number): number[] {
	return Array.from({ length: end }, (_, at) => at);
}

function untilAborted(signal: AbortSignal): Promise<never> {
	return new Promise((_, reject) => {
		if (signal.aborted) reject(signal.reason);
		signal.addEventListener('abort', () => reject(signal.reason), { once: true });
	});
}

/** Resolves when a list has at least `atLeast` entries and has stopped growing. */
async function untilStill(list: readonly unknown[], atLeast = 1): Promise<void> {
	let [last, still] = [-1, 0];
	while (still < 5 || list.length < atLeast) {
		await new Promise((resolve) => setTimeout(resolve, 20));
		still = list.length === last ? still + 1 : 0;
		last = list.length;
	}
}
