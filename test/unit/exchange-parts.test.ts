/** The small rules of the peers' door, each by itself: accounts, rates, slots, loans, frames. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { streamPair } from '@libp2p/utils';
import fc from 'fast-check';
import { createConduct } from '#exchange/conduct.ts';
import { openFrames } from '#exchange/frames.ts';
import { giveBack, lend } from '#exchange/loans.ts';
import { createAnswerReader } from '#exchange/protocols/blocks/answers.ts';
import type { Ask } from '#exchange/protocols/blocks/ask.ts';
import { encodeAnswerHeader } from '#exchange/protocols/blocks/messages.ts';
import { createRate } from '#exchange/rate.ts';
import { createSlotPool, type Slot } from '#exchange/slots.ts';

const never = new AbortController().signal;

test('wrong bytes cost ten minutes, twice as much each further time, a day at most', () => {
	let now = 0;
	const minute = 60_000;
	const limits = { penaltyMs: 10 * minute, maxPenaltyMs: 24 * 60 * minute, coolDownMs: 2000 };
	const conduct = createConduct({ limits, now: () => now, onRelease: () => {} });
	for (const minutes of [10, 20, 40]) {
		conduct.charge('liar');
		now += minutes * minute - 1;
		assert.ok(conduct.isAvoided('liar', 'any'));
		now += 1;
		assert.ok(!conduct.isAvoided('liar', 'any'));
	}
	for (let times = 0; times < 20; times++) conduct.charge('liar');
	now += 24 * 60 * minute;
	assert.ok(!conduct.isAvoided('liar', 'any'));
	assert.ok(!conduct.isAvoided('other', 'any'));
	conduct.stop();
});

test('a failure cools a peer down, a lack only for its content and only until something is announced', () => {
	let now = 0;
	const limits = { penaltyMs: 1000, maxPenaltyMs: 1000, coolDownMs: 2000 };
	const conduct = createConduct({ limits, now: () => now, onRelease: () => {} });
	conduct.coolDown('slow');
	conduct.lacks('poor', 'root');
	assert.deepEqual(
		[conduct.isAvoided('slow', 'x'), conduct.isAvoided('poor', 'root'), conduct.isAvoided('poor', 'x')],
		[true, true, false],
	);
	conduct.forgetLacks();
	assert.ok(!conduct.isAvoided('poor', 'root'));
	now = 2000;
	assert.ok(!conduct.isAvoided('slow', 'x'));
	conduct.stop();
});

test('a rate gives its burst at once, then so many a second, and says how long to wait', () => {
	let now = 0;
	const rate = createRate({ perSecond: 10, burst: 3, now: () => now });
	assert.deepEqual([rate.take(), rate.take(), rate.take(), rate.take()], [0, 0, 0, 100]);
	now = 50;
	assert.equal(rate.take(), 50);
	now = 100;
	assert.equal(rate.take(), 0);
	now = 100_000;
	assert.deepEqual([rate.take(), rate.take(), rate.take(), rate.take()], [0, 0, 0, 100]);
});

test('slots are lent in turn, reused when released and never when abandoned', async () => {
	const pool = createSlotPool({ slotBytes: 8, slots: 2 });
	const [first, second] = [await pool.take({ signal: never }), await pool.take({ signal: never })];
	const order: string[] = [];
	const noted = (name: string) => (slot: Slot) => {
		order.push(name);
		return slot;
	};
	const third = pool.take({ signal: never }).then(noted('third'));
	const quitter = new AbortController();
	const quits = pool.take({ signal: quitter.signal });
	const fourth = pool.take({ signal: never }).then(noted('fourth'));
	quitter.abort();
	await assert.rejects(quits);
	first.release();
	first.release();
	assert.equal((await third).bytes, first.bytes);
	second.abandon();
	assert.notEqual((await fourth).bytes, second.bytes);
	assert.deepEqual(order, ['third', 'fourth']);
});

test('a loan is over when its last byte is back, and not before; memory that was not lent is nobody’s business', () => {
	const memory = Buffer.allocUnsafeSlow(100);
	let returned = 0;
	lend(memory.buffer, 90, () => returned++);
	giveBack(memory.subarray(0, 40));
	giveBack(memory.subarray(40, 89));
	giveBack(Buffer.allocUnsafeSlow(10));
	assert.equal(returned, 0);
	giveBack(memory.subarray(89, 90));
	assert.equal(returned, 1);
	giveBack(memory.subarray(0, 90));
	assert.equal(returned, 1);
});

test('frames come out as they went in, however the bytes are cut', async () => {
	await fc.assert(
		fc.asyncProperty(
			fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }),
			fc.integer({ min: 1, max: 97 }),
			async (frames, cut) => {
				const [near, far] = await streamPair();
				const channel = openFrames(far, { maxFrameBytes: 300 });
				const wire = Buffer.concat(frames.flatMap((frame) => [lengthOf(frame), frame]));
				for (let at = 0; at < wire.byteLength; at += cut) near.send(wire.subarray(at, at + cut));
				const signal = AbortSignal.timeout(5_000);
				for (const frame of frames)
					assert.deepEqual(Buffer.from((await channel.read({ signal })) ?? assert.fail()), Buffer.from(frame));
				await near.close();
				assert.equal(await channel.read({ signal }), undefined);
				await far.close();
			},
		),
		{ numRuns: 40 },
	);
});

test('answers fill their buffers however the bytes are cut, and given-up ones are passed over', () => {
	fc.assert(
		fc.property(
			fc.array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.constantFrom('block', 'missing', 'given up')), { maxLength: 10 }),
			fc.integer({ min: 1, max: 61 }),
			(plan, cut) => {
				const outcomes: string[] = [];
				const violations: Error[] = [];
				const reader = createAnswerReader({ onSettled: () => {}, onViolation: (violation) => violations.push(violation) });
				const wire: Buffer[] = [];
				const expected = plan.map(([length, kind], index) => {
					const body = randomBytes(length);
					const into = Buffer.alloc(length);
					const ask: Ask = {
						request: { kind: 'block', index },
						length,
						into: kind === 'given up' ? undefined : into,
						resolve: () => (outcomes[index] = 'resolved'),
						reject: ({ code }) => (outcomes[index] = code),
					};
					reader.expect(ask);
					if (kind === 'missing') wire.push(Buffer.from(encodeAnswerHeader({ kind: 'missing', index, length: 0 })));
					else wire.push(Buffer.from(encodeAnswerHeader({ kind: 'block', index, length })), body);
					return { kind, body, into, length };
				});
				const bytes = Buffer.concat(wire);
				for (let at = 0; at < bytes.byteLength; at += cut) reader.take(bytes.subarray(at, at + cut));
				assert.deepEqual(violations, []);
				assert.equal(reader.outstanding, 0);
				for (const [index, { kind, body, into, length }] of expected.entries()) {
					assert.equal(outcomes[index], kind === 'missing' ? 'not-found' : 'resolved');
					assert.ok(into.equals(kind === 'block' ? body : Buffer.alloc(length)));
				}
			},
		),
	);
});

function lengthOf(frame: Uint8Array): Buffer {
	const length = Buffer.alloc(4);
	length.writeUInt32BE(frame.byteLength);
	return length;
}
