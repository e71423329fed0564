import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { startHashThread } from '#content/hash-thread.ts';
import { createHashThreads } from '#content/hash-threads.ts';
import { BLOCK_BYTES, DEFAULT_LIMITS, DIGEST_BYTES } from '#content/limits.ts';
import { codeOf } from '#domain/errors.ts';
import { patternBytes } from '../support/pattern.ts';

const limits = { ...DEFAULT_LIMITS, uploadSlots: 2, fetchSlots: 2 };
const never = new AbortController().signal;

test('streams that share the threads each get their own hashes', { timeout: 30_000 }, async () => {
	await using threads = createHashThreads(limits);
	await Promise.all(
		['sha512', 'sha256', 'sha384', 'md5'].map(async (algorithm, at) => {
			using stream = threads.openStream(algorithm);
			const [whole, md5] = [createHash(algorithm), createHash('md5')];
			for (let block = 0; block < 5; block++) {
				const bytes = patternBytes(1000 + block, at * 10 + block + 1);
				const slot = await threads.uploadSlots().take(never);
				slot.bytes.set(bytes);
				const hashed = stream.add(slot, bytes.length);
				assert.deepEqual(Buffer.from(await hashed.digest), createHash('sha256').update(bytes).digest());
				await hashed.done;
				threads.uploadSlots().give(slot);
				whole.update(bytes);
				md5.update(bytes);
			}
			assert.deepEqual(await stream.finish(), { checksum: md5.digest('hex'), hashValue: whole.digest('hex') });
		}),
	);
});

test('slots are bounded: who asks for one more waits until one is given back, or leaves', { timeout: 30_000 }, async () => {
	await using threads = createHashThreads(limits);
	const slots = threads.uploadSlots();
	const [first] = [await slots.take(never), await slots.take(never)];
	const leaving = new AbortController();
	const left = slots.take(leaving.signal);
	const waits = slots.take(never);
	leaving.abort();
	await assert.rejects(left, (error) => codeOf(error) === 'aborted');
	slots.give(first);
	assert.equal((await waits).number, first.number);
	assert.equal(slots.tryTake(), undefined);
});

test('work owed by a thread that ends fails with a clear error, and so does any more', { timeout: 30_000 }, async () => {
	const thread = startHashThread({ slots: new SharedArrayBuffer(BLOCK_BYTES), digests: new SharedArrayBuffer(DIGEST_BYTES) });
	const owed = Array.from({ length: 50 }, () => thread.ask(['digest', 0, BLOCK_BYTES]));
	const outcomes = Promise.allSettled(owed);
	await thread.end();
	assert.ok((await outcomes).some(({ status }) => status === 'rejected'));
	for (const outcome of await outcomes) if (outcome.status === 'rejected') assert.equal(codeOf(outcome.reason), 'unavailable');
	await assert.rejects(thread.ask(['digest', 0, 1]), (error) => codeOf(error) === 'unavailable');
});

test('threads that were given back are there again when there is work', { timeout: 30_000 }, async () => {
	await using threads = createHashThreads({ ...limits, idleThreadsMs: 1 });
	for (let round = 0; round < 3; round++) {
		const slot = await threads.fetchSlots().take(never);
		slot.bytes.fill(round);
		assert.deepEqual(
			Buffer.from(await threads.digest(slot, 100)),
			createHash('sha256').update(new Uint8Array(100).fill(round)).digest(),
		);
		threads.fetchSlots().give(slot);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
});
