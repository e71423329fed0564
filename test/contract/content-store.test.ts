/** What every content store promises, on the file system of the machine and on one in memory. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { rootOf } from '#content/manifest.ts';
import { codeOf } from '#domain/errors.ts';
import { MiB } from '#lib/sizes.ts';
import { chunks, diskBytes, filesUnder, openContent, put, readAll } from '../support/open-content.ts';
import { patternBytes, patternStream } from '../support/pattern.ts';

const hash = (algorithm: string, bytes: Uint8Array): string => createHash(algorithm).update(bytes).digest('hex');
const rejectsWith = (code: string) => (error: unknown) => codeOf(error) === code;

const subjects = [
	{ name: 'disk', base: tmpdir(), shareBlocks: true },
	{ name: 'disk, whole files only', base: tmpdir(), shareBlocks: false },
	...(existsSync('/dev/shm') ? [{ name: 'memory', base: '/dev/shm', shareBlocks: true }] : []),
];

for (const { name, base, shareBlocks } of subjects) {
	describe(`content store on ${name}`, { timeout: 120_000 }, () => {
		test('what was written is read back, with its hashes and its UnixFS root', async () => {
			await using content = await openContent({ base, shareBlocks });
			const { store } = content;
			for (const size of [0, 1, 4095, MiB - 1, MiB, MiB + 1, 2 * MiB, 5 * MiB + 77]) {
				const bytes = patternBytes(size, size + 1);
				await using written = await put(store, patternStream(size, 100_003, size + 1));
				assert.equal(written.content.size, size);
				assert.equal(written.checksum, hash('md5', bytes));
				assert.equal(written.hashValue, hash('sha512', bytes));
				assert.equal(written.content.root, rootOf(blockDigests(bytes), size, MiB));
				assert.equal(store.presence(written.content.root), 'complete');
				assert.deepEqual(await readAll(store, written.content), Buffer.from(bytes));
				assert.deepEqual(await store.digest(written.content, { hashAlgorithm: 'sha512', signal: AbortSignal.timeout(10_000) }), {
					checksum: written.checksum,
					hashValue: written.hashValue,
				});
				const file = store.file(written.content.root);
				assert.ok(file !== undefined);
				assert.deepEqual(await readFile(file), Buffer.from(bytes));
			}
		});

		test('any range is read back, and an empty one gives nothing', async () => {
			await using content = await openContent({ base, shareBlocks });
			const size = 3 * MiB + 500;
			const bytes = patternBytes(size);
			await using written = await put(content.store, chunks(bytes));
			for (const [start, end] of [
				[0, 0],
				[0, 1],
				[size - 1, size],
				[MiB - 1, MiB + 1],
				[MiB, 2 * MiB],
				[10, 3 * MiB + 1],
				[size, size],
			] as const)
				assert.deepEqual(
					await readAll(content.store, written.content, { start, end }),
					Buffer.from(bytes.subarray(start, end)),
					`${start}-${end}`,
				);
		});

		test('what was written is there after a restart', async () => {
			const bytes = patternBytes(2 * MiB + 9);
			const before = await openContent({ base, shareBlocks });
			const written = await put(before.store, chunks(bytes));
			await using after = await before.reopened();
			assert.equal(after.store.presence(written.content.root), 'complete');
			assert.deepEqual(await readAll(after.store, written.content), Buffer.from(bytes));
		});

		test('runs of zeros take no space', async () => {
			await using content = await openContent({ base, shareBlocks });
			const bytes = Buffer.alloc(16 * MiB + 100);
			bytes.set(patternBytes(MiB), 5 * MiB);
			await using written = await put(content.store, chunks(bytes));
			assert.deepEqual(await readAll(content.store, written.content), bytes);
			assert.ok((await diskBytes(content.path)) <= MiB + 64 * 1024);
		});

		test('the same bytes twice are one content, stored once', async () => {
			await using content = await openContent({ base, shareBlocks });
			const bytes = patternBytes(4 * MiB);
			await using first = await put(content.store, chunks(bytes));
			const taken = await diskBytes(content.path);
			await using second = await put(content.store, chunks(bytes));
			assert.deepEqual(second.content, first.content);
			assert.equal(second.checksum, first.checksum);
			assert.equal(await diskBytes(content.path), taken);
			assert.equal([...(await filesUnder(content.path)).keys()].filter((file) => file.startsWith('staging')).length, 0);
		});

		test('uploads at the same time do not disturb each other', async () => {
			await using content = await openContent({ base, shareBlocks });
			const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2];
			const all = await Promise.all(seeds.map((seed) => put(content.store, patternStream(3 * MiB + seed, 65_536, seed))));
			for (const [at, written] of all.entries()) {
				const seed = seeds[at] ?? 0;
				assert.deepEqual(await readAll(content.store, written.content), Buffer.from(patternBytes(3 * MiB + seed, seed)));
				await written[Symbol.asyncDispose]();
			}
		});

		test('an upload that is too long, too short or above the limit leaves nothing', async () => {
			await using content = await openContent({ base, shareBlocks });
			const { store } = content;
			await assert.rejects(put(store, patternStream(3 * MiB), { declaredSize: 2 * MiB }), rejectsWith('invalid'));
			await assert.rejects(put(store, patternStream(3 * MiB), { declaredSize: 4 * MiB }), rejectsWith('invalid'));
			await assert.rejects(put(store, patternStream(3 * MiB), { maxBytes: 2 * MiB }), rejectsWith('too-large'));
			await assert.rejects(
				put(store, patternStream(3 * MiB), { maxBytes: MiB, declaredSize: 3 * MiB }),
				rejectsWith('too-large'),
			);
			await assert.rejects(put(store, patternStream(MiB), { hashAlgorithm: 'no-such-hash' }), rejectsWith('invalid'));
			assert.equal((await filesUnder(content.path)).size, 0);
		});

		test('an upload that is aborted, or whose source fails, leaves nothing and stops at once', async () => {
			await using content = await openContent({ base, shareBlocks });
			for (const after of [0, 1, 5, 17, 40]) {
				const aborting = new AbortController();
				await assert.rejects(
					put(
						content.store,
						stuckAfter(after, () => aborting.abort()),
						{ signal: aborting.signal },
					),
					rejectsWith('aborted'),
				);
				await assert.rejects(put(content.store, failingAfter(after)), /the client has gone/);
			}
			assert.equal((await filesUnder(content.path)).size, 0);
		});

		test('an upload is kept while its result is held, and taken by forget afterwards', async () => {
			await using content = await openContent({ base, shareBlocks });
			const written = await put(content.store, patternStream(MiB));
			await content.store.forget(written.content.root);
			assert.equal(content.store.presence(written.content.root), 'complete');
			await written[Symbol.asyncDispose]();
			await content.store.forget(written.content.root);
			assert.equal(content.store.presence(written.content.root), 'none');
			assert.equal((await filesUnder(content.path)).size, 0);
		});

		test('collect removes what is not in use, and files that belong to nothing', async () => {
			await using content = await openContent({ base, shareBlocks });
			const kept = await put(content.store, patternStream(MiB, 65_536, 1));
			const pinned = await put(content.store, patternStream(MiB, 65_536, 2));
			const gone = await put(content.store, patternStream(MiB, 65_536, 3));
			await kept[Symbol.asyncDispose]();
			await gone[Symbol.asyncDispose]();
			const result = await content.store.collect(async (root) => root === kept.content.root);
			assert.equal(result.removed, 1);
			assert.ok(result.bytes >= MiB);
			assert.deepEqual(
				[kept, pinned, gone].map(({ content: { root } }) => content.store.presence(root)),
				['complete', 'complete', 'none'],
			);
			await pinned[Symbol.asyncDispose]();
		});

		test('a content that is being read is not removed until the reader is done', async () => {
			await using content = await openContent({ base, shareBlocks });
			const bytes = patternBytes(8 * MiB);
			const written = await put(content.store, chunks(bytes));
			await written[Symbol.asyncDispose]();
			const reading = content.store
				.read(written.content, { start: 0, end: written.content.size }, { signal: AbortSignal.timeout(10_000) })
				[Symbol.asyncIterator]();
			const first = await reading.next();
			assert.equal(first.done, false);
			await content.store.forget(written.content.root);
			assert.equal((await content.store.collect(async () => false)).removed, 0);
			await reading.return?.(undefined);
			assert.equal((await content.store.collect(async () => false)).removed, 1);
		});

		test('the shelf gives blocks, lengths and digests', async () => {
			await using content = await openContent({ base, shareBlocks });
			const bytes = patternBytes(2 * MiB + 5);
			await using written = await put(content.store, chunks(bytes));
			const known = await content.store.digests(written.content.root);
			assert.deepEqual(Buffer.from(known?.digests ?? []), Buffer.from(blockDigests(bytes)));
			await using reader = await content.store.open(written.content.root);
			assert.ok(reader !== undefined);
			const into = Buffer.alloc(MiB);
			assert.equal(await reader.read(2, into), 5);
			assert.deepEqual(into.subarray(0, 5), Buffer.from(bytes.subarray(2 * MiB)));
			assert.equal(reader.has(3), false);
			assert.equal(await reader.read(3, into), 0);
			assert.equal(await content.store.open(rootOf(blockDigests(patternBytes(1)), 1, MiB)), undefined);
		});
	});
}

function blockDigests(bytes: Uint8Array): Uint8Array {
	const list: Buffer[] = [];
	for (let at = 0; at < bytes.length; at += MiB)
		list.push(
			createHash('sha256')
				.update(bytes.subarray(at, at + MiB))
				.digest(),
		);
	return Buffer.concat(list);
}

async function* stuckAfter(pieces: number, stuck: () => void): AsyncGenerator<Uint8Array> {
	yield* patternStream(pieces * 200_000, 200_000);
	setImmediate(stuck);
	await new Promise(() => undefined);
}

async function* failingAfter(pieces: number): AsyncGenerator<Uint8Array> {
	yield* patternStream(pieces * 200_000, 200_000);
	throw new Error('the client has gone');
}
