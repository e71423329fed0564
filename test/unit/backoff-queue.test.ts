import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { silentLog } from '#lib/log.ts';
import { createBackoffQueue } from '#replication/backoff-queue.ts';

describe('backoff queue', () => {
	it('attends to each key once, a few at once', async () => {
		const gate = Promise.withResolvers<void>();
		let running = 0;
		let most = 0;
		const seen: string[] = [];
		await using queue = createBackoffQueue<string>({
			atOnce: 2,
			log: silentLog,
			async work(key) {
				running += 1;
				most = Math.max(most, running);
				seen.push(key);
				await gate.promise;
				running -= 1;
			},
		});
		for (const key of ['a', 'b', 'a', 'c']) queue.add(key);
		assert.equal(queue.size(), 3);
		gate.resolve();
		await emptied(queue);
		assert.equal(most, 2);
		// "a" was added again while it ran, so it had one more turn.
		assert.deepEqual(seen.toSorted(), ['a', 'a', 'b', 'c']);
	});

	it('tries a failed key again later and later, and not before', async () => {
		mock.timers.enable({ apis: ['setTimeout', 'Date'] });
		try {
			const tries: number[] = [];
			await using queue = createBackoffQueue<string>({
				atOnce: 1,
				log: silentLog,
				firstDelayMs: 1000,
				longestDelayMs: 8000,
				async work() {
					tries.push(Date.now());
					throw new Error('not yet');
				},
			});
			queue.add('x');
			for (let second = 0; second < 240; second += 1) {
				await settle();
				mock.timers.tick(250);
			}
			const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
			assert.ok(gaps.length >= 5);
			for (const [index, gap] of gaps.entries()) {
				const nominal = Math.min(8000, 1000 * 2 ** index);
				assert.ok(gap >= nominal * 0.75 && gap <= nominal * 1.25 + 500, `gap ${index} is ${gap}`);
			}
		} finally {
			mock.timers.reset();
		}
	});

	it('tries at once what is nudged', async () => {
		let tries = 0;
		await using queue = createBackoffQueue<string>({
			atOnce: 1,
			log: silentLog,
			firstDelayMs: 3_600_000,
			longestDelayMs: 3_600_000,
			async work() {
				tries += 1;
				if (tries === 1) throw new Error('no link');
			},
		});
		queue.add('x');
		await settle();
		assert.equal(tries, 1);
		queue.retryNow();
		await emptied(queue);
		assert.equal(tries, 2);
	});

	it('aborts what is under way when it is disposed of', async () => {
		const started = Promise.withResolvers<void>();
		let aborted = false;
		const queue = createBackoffQueue<string>({
			atOnce: 1,
			log: silentLog,
			work: (_, signal) =>
				new Promise((_resolve, reject) => {
					started.resolve();
					signal.addEventListener('abort', () => {
						aborted = true;
						reject(signal.reason as Error);
					});
				}),
		});
		queue.add('x');
		await started.promise;
		await queue[Symbol.asyncDispose]();
		assert.ok(aborted);
		assert.equal(queue.size(), 0);
	});
});

/** Lets everything that is already due run. */
function settle(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

async function emptied(queue: { size(): number }): Promise<void> {
	for (let turn = 0; queue.size() > 0; turn += 1) {
		assert.ok(turn < 10_000, 'the queue never emptied');
		await settle();
	}
}
