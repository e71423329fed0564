import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { silentLog } from '#lib/log.ts';
import { type OutboxReader, openOutbox } from '#notifier/outbox.ts';
import { notification, numberOf } from '../support/notifications.ts';

const patience = () => ({ signal: AbortSignal.timeout(5000) });
const aborted = { signal: AbortSignal.abort(new Error('enough')) };

async function takeAll(reader: OutboxReader): Promise<readonly number[]> {
	const numbers: number[] = [];
	for (;;) {
		const entries = await reader.next(10, aborted).catch(() => []);
		const last = entries.at(-1);
		if (last === undefined) return numbers;
		numbers.push(...entries.map((entry) => numberOf(entry.notification)));
		await reader.done(last.seq);
	}
}

describe('outbox', () => {
	it('gives every reader everything, in order, at its own pace', async () => {
		const outbox = await openOutbox({ kv: memoryKeyValue(), readers: ['a', 'b'], log: silentLog });
		for (const number of [0, 1, 2]) outbox.add(notification(number));
		const [first] = await outbox.reader('a').next(1, patience());
		assert.equal(first && numberOf(first.notification), 0);
		assert.deepEqual(await takeAll(outbox.reader('a')), [0, 1, 2]);
		outbox.add(notification(3));
		await outbox[Symbol.asyncDispose]();
		assert.deepEqual(await takeAll(outbox.reader('b')), [0, 1, 2, 3]);
		assert.deepEqual(await takeAll(outbox.reader('a')), [3]);
	});
	it('goes on after a restart where each reader was; a new reader begins with what is new', async () => {
		const kv = memoryKeyValue();
		const before = await openOutbox({ kv, readers: ['a', 'b'], log: silentLog });
		for (const number of [0, 1]) before.add(notification(number));
		await before[Symbol.asyncDispose]();
		await takeAll(before.reader('b'));
		const after = await openOutbox({ kv, readers: ['a', 'b', 'c'], log: silentLog });
		after.add(notification(2));
		await after[Symbol.asyncDispose]();
		assert.deepEqual(await takeAll(after.reader('a')), [0, 1, 2]);
		assert.deepEqual(await takeAll(after.reader('b')), [2]);
		assert.deepEqual(await takeAll(after.reader('c')), [2]);
		assert.deepEqual(await Array.fromAsync(kv.sub('m/').keys({})), [], 'what all have read is gone');
	});
	it('forgets the oldest beyond its bounds and says how many', async () => {
		const kv = memoryKeyValue();
		const outbox = await openOutbox({ kv, readers: ['dead'], log: silentLog, limits: { maxMessages: 10 } });
		for (let number = 0; number < 1000; number += 1) outbox.add(notification(number));
		await outbox[Symbol.asyncDispose]();
		assert.equal(outbox.lost(), 990);
		assert.equal((await Array.fromAsync(kv.sub('m/').keys({}))).length, 10);
		assert.deepEqual(await takeAll(outbox.reader('dead')), [990, 991, 992, 993, 994, 995, 996, 997, 998, 999]);
	});
	it('keeps what a full disk refused, within its bounds, and writes it when there is room', async () => {
		const real = memoryKeyValue();
		let full = false;
		const kv: KeyValue = {
			...real,
			write: (changes, options) => (full ? Promise.reject(new Error('ENOSPC')) : real.write(changes, options)),
		};
		const outbox = await openOutbox({ kv, readers: ['a'], log: silentLog, limits: { maxMessages: 3 } });
		full = true;
		for (const number of [0, 1, 2, 3, 4]) {
			outbox.add(notification(number));
			await outbox[Symbol.asyncDispose]();
		}
		full = false;
		outbox.add(notification(5));
		await outbox[Symbol.asyncDispose]();
		assert.deepEqual(await takeAll(outbox.reader('a')), [3, 4, 5]);
	});
	it('waits for what is not there yet', async () => {
		const outbox = await openOutbox({ kv: memoryKeyValue(), readers: ['a'], log: silentLog });
		const coming = outbox.reader('a').next(10, patience());
		outbox.add(notification(7));
		assert.deepEqual(
			(await coming).map((entry) => numberOf(entry.notification)),
			[7],
		);
	});
});
