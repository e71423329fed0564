/** What a catalogue takes from peers, what it refuses, and what it gives them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode } from '@ipld/dag-cbor';
import { type LocalCatalogue, openCatalogue } from '#catalogue/catalogue.ts';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { CLOCK_SKEW_MAX_MS } from '#catalogue/registry/clock.ts';
import { ENTRY_BYTES_MAX, type Entry, type SealedEntry, sealEntry } from '#catalogue/registry/entry.ts';
import { codeOf } from '#domain/errors.ts';
import type { Op } from '#domain/ops.ts';
import { type Log, silentLog } from '#lib/log.ts';
import { certificateFor, createOp, imageId, type LogWriter, logTrust, logWriter } from '../support/fleet-of-logs.ts';

const NOW = Date.UTC(2026, 0, 1);
const id = imageId(1);

interface Reader {
	readonly catalogue: LocalCatalogue;
	readonly warnings: string[];
	now: number;
}

async function reader(self = logWriter('centre')): Promise<Reader> {
	const warnings: string[] = [];
	const log: Log = { ...silentLog, warn: (_, message) => void warnings.push(message) };
	const world = { now: NOW };
	const catalogue = await openCatalogue({
		kv: memoryKeyValue(),
		signer: self.signer,
		trust: logTrust,
		clock: () => world.now,
		log,
	});
	return Object.assign(world, { catalogue, warnings });
}

/** A log written by hand, with ops that the fold or the codec may not like. */
function written(writer: LogWriter, ops: readonly Op[], times: readonly number[] = []): readonly SealedEntry[] {
	const entries: SealedEntry[] = [];
	for (const [index, op] of ops.entries()) {
		const prev = entries.at(-1)?.hash ?? null;
		const entry = { log: writer.log, seq: index + 1, prev, hlc: [times[index] ?? NOW, index] as const, op };
		entries.push(sealEntry(entry, writer.signer.sign));
	}
	return entries;
}

/** An envelope around anything, signed as an entry is. */
function forged(writer: LogWriter, entry: unknown): Uint8Array {
	const body = encode(entry);
	return encode({ entry: body, signature: writer.signer.sign(Buffer.concat([Buffer.from('sundog log entry 1\0'), body])) });
}

const envelopes = (entries: readonly SealedEntry[]) => entries.map((entry) => entry.envelope);
const isCorrupt = (promise: Promise<unknown>, text = /./) =>
	assert.rejects(promise, (error: Error) => codeOf(error) === 'corrupt' && text.test(error.message));

describe('log feed', () => {
	it('gives each log from where the other is, in order, and no more than was asked for', async () => {
		const paris = logWriter('paris');
		const { catalogue } = await reader();
		const log = written(paris, [paris.announce, ...Array.from({ length: 150 }, (_, n) => createOp(imageId(n)))]);
		await catalogue.feed.receive(envelopes(log));
		assert.deepEqual(catalogue.feed.vector(), new Map([[paris.log, 151]]));
		assert.deepEqual(await catalogue.feed.missing(new Map(), 10 ** 9), envelopes(log));
		assert.deepEqual(await catalogue.feed.missing(new Map([[paris.log, 150]]), 10 ** 9), envelopes(log.slice(150)));
		assert.deepEqual(await catalogue.feed.missing(new Map([[paris.log, 151]]), 10 ** 9), []);
		assert.deepEqual(
			await catalogue.feed.missing(
				new Map([
					[paris.log, 999],
					['other', 1],
				]),
				10 ** 9,
			),
			[],
		);
		assert.deepEqual(await catalogue.feed.missing(new Map([[paris.log, -1.5]]), 1), envelopes(log.slice(0, 1)));
		const some = await catalogue.feed.missing(new Map(), 2000);
		assert.ok(some.length > 1 && some.reduce((sum, entry) => sum + entry.length, 0) <= 2000);
	});

	it('brings two catalogues together through a third that only relays', async () => {
		const [a, b, c] = [logWriter('a'), logWriter('b'), logWriter('c')];
		const [atA, atB, relay] = [await reader(a), await reader(b), await reader(c)];
		await atA.catalogue.commit([a.announce, createOp(id)]);
		await atB.catalogue.commit([b.announce, createOp(imageId(2))]);
		for (const [from, to] of [
			[atA, relay],
			[relay, atB],
			[atB, relay],
			[relay, atA],
		] as const)
			await to.catalogue.feed.receive(await from.catalogue.feed.missing(to.catalogue.feed.vector(), 10 ** 9));
		assert.equal(atA.catalogue.image(imageId(2))?.site, 'b');
		assert.equal(atB.catalogue.image(id)?.site, 'a');
	});

	it('leaves out what does not follow, and takes it when the rest has come', async () => {
		const paris = logWriter('paris');
		const { catalogue } = await reader();
		const [first, second, third] = envelopes(written(paris, [paris.announce, createOp(id), createOp(imageId(2))]));
		assert.ok(first && second && third);
		assert.deepEqual(await catalogue.feed.receive([first, third]), { accepted: 1, gaps: 1 });
		assert.deepEqual(await catalogue.feed.receive([first, second, third, third]), { accepted: 2, gaps: 0 });
	});

	it('tells when a log has grown, and only then', async () => {
		const paris = logWriter('paris');
		const { catalogue } = await reader();
		let grown = 0;
		const stop = catalogue.feed.onGrowth(() => grown++);
		const entries = envelopes(written(paris, [paris.announce, createOp(id)]));
		await catalogue.feed.receive(entries);
		await catalogue.feed.receive(entries);
		await catalogue.feed.receive([]);
		assert.equal(grown, 1);
		stop();
	});

	it('tells followers of received changes, log by log', async () => {
		const [paris, oslo] = [logWriter('paris'), logWriter('oslo')];
		const { catalogue } = await reader();
		const heard: unknown[] = [];
		catalogue.follow((change) => heard.push(change));
		await catalogue.feed.receive([
			...envelopes(written(paris, [paris.announce, createOp(id)])),
			...envelopes(written(oslo, [oslo.announce, { type: 'image.delete', id }])),
		]);
		assert.deepEqual(heard, [
			{ log: paris.log, own: false, images: [id], released: [], nodes: true },
			{ log: oslo.log, own: false, images: [id], released: [], nodes: true },
		]);
	});

	it('takes what came before a bad entry, and nothing after it', async () => {
		const paris = logWriter('paris');
		const { catalogue } = await reader();
		const [first, second, third] = envelopes(written(paris, [paris.announce, createOp(id), createOp(imageId(2))]));
		assert.ok(first && second && third);
		const flipped = second.with(second.length - 1, (second.at(-1) ?? 0) ^ 1);
		await isCorrupt(catalogue.feed.receive([first, flipped, third]), /not signed/);
		assert.deepEqual(catalogue.feed.vector(), new Map([[paris.log, 1]]));
		await catalogue.feed.receive([second]);
		assert.ok(catalogue.knows(id));
	});

	it('takes nothing from an entry with any bit flipped', async () => {
		const paris = logWriter('paris');
		const [first, second] = envelopes(written(paris, [paris.announce, createOp(id)]));
		assert.ok(first && second);
		const { catalogue } = await reader();
		await catalogue.feed.receive([first]);
		for (let bit = 0; bit < second.length * 8; bit += 5) {
			const at = bit >> 3;
			const bad = second.with(at, (second[at] ?? 0) ^ (1 << (bit & 7)));
			const outcome = await catalogue.feed.receive([bad]).catch((error: unknown) => codeOf(error));
			if (outcome !== 'corrupt') assert.deepEqual(outcome, { accepted: 0, gaps: 1 });
		}
		assert.deepEqual(catalogue.feed.vector(), new Map([[paris.log, 1]]));
		assert.equal(catalogue.knows(id), false);
	});

	it('refuses a log that does not begin with a valid announcement', async () => {
		const [paris, oslo] = [logWriter('paris'), logWriter('oslo')];
		const { catalogue } = await reader();
		const borrowed: Op = { ...paris.announce, certificate: oslo.certificate };
		await isCorrupt(catalogue.feed.receive(envelopes(written(paris, [createOp(id)]))), /announcement/);
		await isCorrupt(catalogue.feed.receive(envelopes(written(paris, [borrowed]))), /announcement/);
		assert.equal(catalogue.feed.vector().size, 0);
	});

	it('does not let a log move to another site', async () => {
		const paris = logWriter('paris');
		const { catalogue } = await reader();
		const moved: Op = { ...paris.announce, certificate: certificateFor(paris.log, 'centre') };
		await catalogue.feed.receive(envelopes(written(paris, [paris.announce, moved, createOp(id)])));
		assert.equal(catalogue.image(id)?.site, 'paris');
	});

	it('refuses and reports two histories of one log', async () => {
		const paris = logWriter('paris');
		const one = envelopes(written(paris, [paris.announce, createOp(id)]));
		const other = envelopes(written(paris, [paris.announce, createOp(imageId(2)), createOp(imageId(3))]));
		const { catalogue, warnings } = await reader();
		await catalogue.feed.receive(one);
		await isCorrupt(catalogue.feed.receive(other), /two entries 2/);
		await isCorrupt(catalogue.feed.receive(other.slice(2)), /does not follow/);
		assert.equal(warnings.length, 2);
		assert.equal(catalogue.knows(imageId(3)), false);
		assert.ok(catalogue.knows(id));
	});

	it('lets an entry from the future wait until its time has come', async () => {
		const paris = logWriter('paris');
		const world = await reader();
		const ahead = NOW + CLOCK_SKEW_MAX_MS + 1;
		const entries = envelopes(written(paris, [paris.announce, createOp(id)], [NOW, ahead]));
		assert.deepEqual(await world.catalogue.feed.receive(entries), { accepted: 1, gaps: 1 });
		world.now = NOW + 1;
		assert.deepEqual(await world.catalogue.feed.receive(entries), { accepted: 1, gaps: 0 });
		assert.equal(world.catalogue.image(id)?.createdAt, ahead);
	});

	it('writes after whatever it has seen, even from a clock that runs ahead', async () => {
		const [paris, centre] = [logWriter('paris'), logWriter('centre')];
		const { catalogue } = await reader(centre);
		await catalogue.feed.receive(envelopes(written(paris, [paris.announce], [NOW + 60_000])));
		await catalogue.commit([centre.announce, createOp(id)]);
		assert.equal(catalogue.image(id)?.createdAt, NOW + 60_000);
	});

	it('refuses entries that go back in time', async () => {
		const paris = logWriter('paris');
		const { catalogue } = await reader();
		await isCorrupt(
			catalogue.feed.receive(envelopes(written(paris, [paris.announce, createOp(id)], [NOW, NOW - 1]))),
			/not later/,
		);
	});

	it('refuses whatever is not exactly an entry', async () => {
		const paris = logWriter('paris');
		const { catalogue } = await reader();
		const good: Entry = { v: 1, log: paris.log, seq: 1, prev: null, hlc: [NOW, 0], op: paris.announce };
		const create = createOp(id);
		const withOp = (op: unknown) => ({ ...good, op });
		const bad: readonly unknown[] = [
			null,
			[],
			{},
			{ ...good, v: 2 },
			{ ...good, more: 1 },
			{ ...good, seq: 0 },
			{ ...good, seq: 1.5 },
			{ ...good, seq: '1' },
			{ ...good, seq: 2 },
			{ ...good, prev: new Uint8Array(32) },
			{ ...good, prev: new Uint8Array(31), seq: 2 },
			{ ...good, hlc: [NOW] },
			{ ...good, hlc: [-1, 0] },
			{ ...good, hlc: [2 ** 50, 0] },
			{ ...good, hlc: [NOW, 2 ** 30] },
			{ ...good, log: 'a/b' },
			{ ...good, log: '' },
			withOp(null),
			withOp({ type: 'image.explode', id }),
			withOp({ type: 'toString' }),
			withOp({ type: '__proto__' }),
			withOp({ ...paris.announce, addresses: 'all' }),
			withOp({ ...paris.announce, addresses: [1] }),
			withOp({ ...paris.announce, addresses: Array.from({ length: 100 }, () => 'x') }),
			withOp({ ...create, id: '../x' }),
			withOp({ ...create, id: `${id}\n` }),
			withOp({ ...create, fields: { ...create.fields, visibility: 'secret' } }),
			withOp({ ...create, fields: { ...create.fields, minDisk: 2 ** 31 } }),
			withOp({ ...create, fields: { ...create.fields, status: 'active' } }),
			withOp({ ...create, fields: { ...create.fields, properties: { a: 1 } } }),
			withOp({ ...create, fields: { ...create.fields, properties: Object.fromEntries([['__proto__', 'x']]) } }),
			withOp({ ...create, fields: { ...create.fields, tags: Array.from({ length: 2000 }, (_, n) => `t${n}`) } }),
			withOp({ ...create, fields: { ...create.fields, name: 'x'.repeat(2000) } }),
			withOp({ type: 'image.update', id, set: { owner: 1 } }),
			withOp({ type: 'image.update', id, set: { id: imageId(2) } }),
			withOp({
				type: 'image.data',
				id,
				content: { root: 'b', size: 1, blockSize: 1 },
				checksum: '',
				hashAlgorithm: 'x',
				hashValue: '',
				virtualSize: null,
			}),
			withOp({ type: 'copy.add', id, store: 'x', kind: 'moon' }),
		];
		for (const entry of bad) await isCorrupt(catalogue.feed.receive([forged(paris, entry)]));
		const body = encode(good);
		const signature = paris.signer.sign(Buffer.concat([Buffer.from('sundog log entry 1\0'), body]));
		const raw: readonly Uint8Array[] = [
			Buffer.concat([new Uint8Array([0xa2]), ...['signature', signature, 'entry', body].map((part) => encode(part))]),
			new Uint8Array(0),
			new Uint8Array([0xff]),
			new Uint8Array(1000).fill(0x81),
			new Uint8Array(200_000).fill(0x81),
			new Uint8Array(ENTRY_BYTES_MAX + 1),
			encode({ entry: encode(good), signature: new Uint8Array(63) }),
			encode({ entry: encode(good), signature: new Uint8Array(64) }),
			Buffer.concat([forged(paris, good), Buffer.from([0])]),
			encode({ entry: good, signature: new Uint8Array(64) }),
		];
		for (const bytes of raw) await isCorrupt(catalogue.feed.receive([bytes]));
		assert.equal(catalogue.feed.vector().size, 0);
		await catalogue.feed.receive([forged(paris, good)]);
		assert.equal(catalogue.feed.vector().size, 1);
	});

	it('takes back its own log after losing its store', async () => {
		const self = logWriter('centre');
		const before = await reader(self);
		await before.catalogue.commit([self.announce, createOp(id)]);
		const after = await reader(self);
		await after.catalogue.feed.receive(await before.catalogue.feed.missing(new Map(), 10 ** 9));
		await after.catalogue.commit([{ type: 'image.update', id, set: { name: 'again' } }]);
		assert.equal(after.catalogue.feed.vector().get(self.log), 3);
	});
});
