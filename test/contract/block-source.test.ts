/** What every source of blocks promises, to be shown by a source without a wire and by a peer over loopback TCP. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { BlockSource } from '#content/ports.ts';
import type { ContentRef } from '#domain/image.ts';
import { within } from '../support/eventually.ts';
import { type TestContent, type TestShelf, testContent, testFleet, testShelf } from '../support/exchange-parts.ts';
import { memorySource } from '../support/memory-source.ts';
import { meet, startTestNode } from '../support/test-node.ts';

interface Subject extends AsyncDisposable {
	readonly source: BlockSource;
	readonly shelf: TestShelf;
}

const SUBJECTS: Readonly<Record<string, () => Promise<Subject>>> = {
	memory: async () => {
		const shelf = testShelf();
		return { source: memorySource(shelf), shelf, async [Symbol.asyncDispose]() {} };
	},
	'peer over tuned noise': () => peer('tuned'),
	'peer over stock noise': () => peer('stock'),
};

async function peer(noise: 'tuned' | 'stock'): Promise<Subject> {
	const fleet = testFleet();
	const holder = await startTestNode({ fleet, noise });
	const asker = await startTestNode({ fleet, bootstrap: [holder], noise, limits: { coolDownMs: 0 } });
	await meet(holder, asker);
	const [source] = asker.exchange.sources.find({ root: 'any', size: 0, blockSize: 1 });
	assert.ok(source);
	return {
		source,
		shelf: holder.shelf,
		async [Symbol.asyncDispose]() {
			await asker[Symbol.asyncDispose]();
			await holder[Symbol.asyncDispose]();
		},
	};
}

const MiB = 1 << 20;
const PATTERN = 0xa5;
const never = new AbortController().signal;

for (const [name, start] of Object.entries(SUBJECTS)) {
	describe(`block source: ${name}`, () => {
		let subject: Subject;
		let content: TestContent;
		let partial: TestContent;
		const block = (of: TestContent, index: number): Uint8Array => of.bytes.subarray(index * MiB, (index + 1) * MiB);
		const room = (of: TestContent, index: number): Buffer => Buffer.alloc(block(of, index).byteLength, PATTERN);

		before(async () => {
			subject = await start();
			content = testContent(randomBytes(40 * MiB + 4321));
			partial = testContent(randomBytes(5 * MiB + 1));
			subject.shelf.add(content);
			subject.shelf.add(partial, { without: [1, 5] });
		});
		after(() => subject[Symbol.asyncDispose]());

		test('the manifest is all digests in order', async () => {
			assert.deepEqual(Buffer.from(await subject.source.manifest(content.ref, { signal: never })), content.digests);
		});

		test('a content that is not there is not-found, by manifest and by open', async () => {
			const unknown: ContentRef = { root: 'bafyunknown', size: 10, blockSize: MiB };
			await assert.rejects(subject.source.manifest(unknown, { signal: never }), { code: 'not-found' });
			await assert.rejects(subject.source.open(unknown, { signal: never }), { code: 'not-found' });
		});

		test('many fetches beyond the depth, in any order, each fill their own buffer', async () => {
			await using session = await subject.source.open(content.ref, { signal: never });
			assert.ok(session.depth >= 1);
			const indexes = Array.from({ length: 41 }, (_, place) => (place * 17) % 41);
			const blocks = indexes.map((index) => ({ index, into: room(content, index) }));
			await Promise.all(blocks.map(({ index, into }) => session.fetch(index, into, { signal: never })));
			for (const { index, into } of blocks) assert.ok(into.equals(block(content, index)), `block ${index}`);
			assert.equal(blocks.find(({ index }) => index === 40)?.into.byteLength, 4321);
		});

		test('a block that is not there is not-found and the session goes on', async () => {
			await using session = await subject.source.open(partial.ref, { signal: never });
			const into = [0, 1, 2, 5].map((index) => ({ index, bytes: room(partial, index) }));
			const results = await Promise.allSettled(into.map(({ index, bytes }) => session.fetch(index, bytes, { signal: never })));
			assert.deepEqual(
				results.map((result) => (result.status === 'fulfilled' ? 'here' : result.reason.code)),
				['here', 'not-found', 'here', 'not-found'],
			);
			assert.ok(into[2]?.bytes.equals(block(partial, 2)));
			const again = room(partial, 4);
			await session.fetch(4, again, { signal: never });
			assert.ok(again.equals(block(partial, 4)));
		});

		test('an aborted fetch rejects at once, and its buffer is never touched again', async () => {
			await using session = await subject.source.open(content.ref, { signal: never });
			const abort = new AbortController();
			const given = Array.from({ length: 8 }, (_, index) => ({ index, into: room(content, index) }));
			const doomed = given.map(({ index, into }) => session.fetch(index, into, { signal: abort.signal }));
			const kept = room(content, 20);
			const keeping = session.fetch(20, kept, { signal: never });
			abort.abort();
			const results = await within('the aborted fetches', 5_000, Promise.allSettled(doomed));
			const rejected = given.filter((_, place) => results[place]?.status === 'rejected');
			assert.ok(rejected.length > 0);
			for (const result of results) if (result.status === 'rejected') assert.equal(result.reason.code, 'aborted');
			for (const { into } of rejected) into.fill(PATTERN);
			await keeping;
			assert.ok(kept.equals(block(content, 20)), 'a fetch that was not aborted is not harmed');
			const last = room(content, 21);
			await session.fetch(21, last, { signal: never });
			for (const { into } of rejected)
				assert.ok(
					into.every((byte) => byte === PATTERN),
					'late bytes came into the buffer',
				);
		});

		test('a fetch with a signal that is aborted already does nothing', async () => {
			await using session = await subject.source.open(content.ref, { signal: never });
			const into = room(content, 0);
			await assert.rejects(session.fetch(0, into, { signal: AbortSignal.abort() }));
			assert.ok(into.every((byte) => byte === PATTERN));
		});

		test('closing a session rejects what is outstanding and leaves the buffers alone', async () => {
			const session = await subject.source.open(content.ref, { signal: never });
			const given = Array.from({ length: 20 }, (_, index) => ({ index, into: room(content, index) }));
			const fetches = given.map(({ index, into }) => session.fetch(index, into, { signal: never }));
			const settled = Promise.allSettled(fetches);
			await session[Symbol.asyncDispose]();
			const results = await within('the fetches of a closed session', 5_000, settled);
			const rejected = given.filter((_, place) => results[place]?.status === 'rejected');
			assert.ok(rejected.length > 0);
			for (const { into } of rejected) into.fill(PATTERN);
			await using other = await subject.source.open(content.ref, { signal: never });
			const into = room(content, 3);
			await other.fetch(3, into, { signal: never });
			assert.ok(into.equals(block(content, 3)));
			for (const { into: gone } of rejected)
				assert.ok(
					gone.every((byte) => byte === PATTERN),
					'a closed session wrote',
				);
		});

		test('an open with an aborted signal rejects', async () => {
			await assert.rejects(subject.source.open(content.ref, { signal: AbortSignal.abort() }));
		});
	});
}
