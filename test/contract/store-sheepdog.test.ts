import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { codeOf } from '#domain/errors.ts';
import { silentLog } from '#lib/log.ts';
import type { StoreDriver } from '#store/driver.ts';
import { sheepdog } from '#store/drivers/sheepdog.ts';
import { OptionError } from '#store/options.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { leaveNote } from '../support/half-made.ts';
import { type SheepdogServer, startSheepdogServer } from '../support/sheepdog-server.ts';
import { collect, describeStoreDriver, digestOf, rejectsWith, signal, sourceOf } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const NAME = 'sheepdog on the test server of this repository, not a real cluster';
const call = { signal };
const MiB = 1024 * 1024;
const OBJECT = 4 * MiB;
const dir = await temporaryDir();
after(() => dir[Symbol.asyncDispose]());

function open(port: number, { workDir = join(dir.path, randomUUID()), chunk = '64' } = {}): Promise<StoreDriver> {
	const options = { sheepdog_store_port: String(port), sheepdog_store_chunk_size: chunk };
	return sheepdog.open(options, { store: 'flock', log: silentLog, signal, workDir });
}

describeStoreDriver(NAME, {
	manifest: sheepdog.manifest,
	edgeBytes: OBJECT,
	missing: false,
	async open(t) {
		const server = await startSheepdogServer();
		t.after(() => server[Symbol.asyncDispose]());
		return open(server.port);
	},
});

describe(`store driver: ${NAME}, in particular`, () => {
	const test = (claim: string, body: (driver: StoreDriver, server: SheepdogServer) => Promise<unknown>, chunk = '64') =>
		it(`${claim} (${NAME})`, async () => {
			await using server = await startSheepdogServer();
			await using driver = await open(server.port, { chunk });
			await body(driver, server);
		});

	test('makes no objects of zeros', async (driver, server) => {
		const bytes = Buffer.concat([Buffer.alloc(OBJECT), randomBytes(7), Buffer.alloc(3 * OBJECT)]);
		const { location } = await driver.put(randomUUID(), sourceOf(bytes), call);
		assert.equal(server.objectCount(), 1);
		assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
	});

	test('reads ranges whose ends are zeros that the server leaves out', async (driver) => {
		const bytes = randomBytes(2 * OBJECT);
		bytes.fill(0, 10, 100);
		bytes.fill(0, OBJECT - 50, OBJECT + 50);
		const { location } = await driver.put(randomUUID(), sourceOf(bytes), call);
		for (const [start, end] of [
			[5, 50],
			[20, 90],
			[50, 200],
			[OBJECT - 100, OBJECT + 100],
			[OBJECT - 20, OBJECT + 20],
		] as const)
			assert.deepEqual(await collect(driver, location, { start, end }), bytes.subarray(start, end), `${start}-${end}`);
	});

	test(
		'writes the index often, data first, and the size last',
		async (driver, server) => {
			await driver.put(randomUUID(), { read: sourceOf(randomBytes(5 * OBJECT)).read }, call);
			const ops = server.seen.filter((op) => op === 1 || op === 3);
			assert.deepEqual(ops, [1, 1, 3, 1, 1, 3, 1, 3, 3]);
		},
		'8',
	);

	test('reads an image of which a snapshot was taken, and removes it without the snapshot', async (driver, server) => {
		const bytes = randomBytes(OBJECT + 5);
		const key = randomUUID();
		const { location } = await driver.put(key, sourceOf(bytes), call);
		server.snapshot(key, 'before');
		assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
		await driver.remove(location, call);
		await rejectsWith('not-found', driver.stat(location, call));
		assert.equal(server.objectCount(), 2);
	});

	test('takes both forms of location, of its own cluster only', async (driver, server) => {
		const key = randomUUID();
		const { location } = await driver.put(key, sourceOf(randomBytes(3)), call);
		assert.equal(location, `sheepdog://127.0.0.1:${server.port}:${key}`);
		assert.equal((await driver.stat(`sheepdog://${key}`, call)).size, 3);
		for (const other of [`sheepdog://10.0.0.1:${server.port}:${key}`, `sheepdog://127.0.0.1:1:${key}`, `sheepdog://${key}/x`])
			await rejectsWith('invalid', driver.stat(other, call));
	});

	it(`leaves nothing and tells the truth wherever the connection is cut (${NAME})`, async () => {
		for (let at = 1; at <= 12; at += 1)
			for (const how of ['cut', 'late'] as const) {
				await using server = await startSheepdogServer();
				await using driver = await open(server.port, { chunk: '4' });
				const begun = server.seen.length;
				server.meddle = ({ count }) => (count === begun + at ? how : undefined);
				const key = randomUUID();
				const outcome = await driver.put(key, sourceOf(randomBytes(3 * OBJECT)), call).then(
					() => 'stored',
					(error: unknown) => codeOf(error),
				);
				server.meddle = () => undefined;
				if (outcome === 'stored') assert.ok(server.seen.length - begun < at, `${at} ${how}`);
				else {
					assert.equal(outcome, 'unavailable', `${at} ${how}`);
					// what could not be taken back at once is at the next upload
					await driver.put(randomUUID(), sourceOf(Buffer.alloc(0)), call);
					assert.equal(server.names().includes(key), false, `${at} ${how}`);
					assert.equal(server.objectCount(), 0, `${at} ${how}`);
				}
			}
	});

	test('believes no answer that is garbage, too long, of another version or to another request', async (driver, server) => {
		const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(OBJECT)), call);
		const spoilt = (change: (answer: Buffer) => void) => (answer: Buffer) => {
			change(answer);
			return answer;
		};
		for (const [op, meddled] of [
			[0x02, spoilt((answer) => answer.writeUInt32LE(0xdeadbeef, 8))],
			[0x02, spoilt((answer) => answer.writeUInt32LE(0xffffffff, 12))],
			[0x02, spoilt((answer) => answer.writeUInt8(1, 0))],
			[0x02, spoilt((answer) => answer.writeUInt8(0x14, 1))],
			[0x02, spoilt((answer) => answer.writeBigUInt64LE(2n ** 63n, 24))],
			[0x02, (answer: Buffer) => Buffer.concat([answer, answer])],
			[0x02, () => randomBytes(48)],
			[0x14, spoilt((answer) => answer.writeUInt32LE(0, 24))],
			[0x14, spoilt((answer) => answer.writeUInt32LE(0xffffffff, 24))],
			[0x14, spoilt((answer) => answer.writeUInt32LE(1, 12))],
			[0x02, 0x77],
			[0x02, 0x05],
		] as const) {
			server.meddle = (request) => (request.op === op ? meddled : undefined);
			await assert.rejects(collect(driver, location, 'whole'), (error) =>
				['store-failed', 'corrupt'].includes(codeOf(error) ?? ''),
			);
		}
		server.meddle = () => undefined;
		assert.equal((await driver.stat(location, call)).size, OBJECT);
	});

	test("says in the house's words what the cluster says", async (driver, server) => {
		for (const [result, code] of [
			[0x04, 'conflict'],
			[0x0f, 'unavailable'],
			[0x13, 'full'],
			[0x15, 'full'],
			[0x16, 'unavailable'],
			[0x17, 'unavailable'],
			[0x19, 'unavailable'],
			[0x1a, 'store-failed'],
			[0x05, 'store-failed'],
		] as const)
			for (const op of [0x11, 0x01]) {
				if (op === 0x01 && result === 0x04) continue;
				server.meddle = (request) => (request.op === op ? result : undefined);
				await rejectsWith(code, driver.put(randomUUID(), sourceOf(randomBytes(9)), call));
			}
		assert.deepEqual(server.names(), []);
	});

	test('says corrupt for an image that lacks an object', async (driver, server) => {
		const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(9)), call);
		server.meddle = ({ op, count }) => (op === 0x02 && server.seen[count - 2] === 0x02 ? 0x02 : undefined);
		await rejectsWith('corrupt', collect(driver, location, 'whole'));
	});

	it(`removes at its next opening what a crash has left half-written, and nothing that is whole (${NAME})`, async () => {
		await using server = await startSheepdogServer();
		const workDir = join(dir.path, 'crashed');
		const [half, whole] = [randomUUID(), randomUUID()];
		await using driver = await open(server.port, { workDir });
		await driver.put(whole, sourceOf(randomBytes(OBJECT)), call);
		server.meddle = ({ op }) => (op === 0x01 || op === 0x17 ? 'cut' : undefined);
		await rejectsWith('unavailable', driver.put(half, sourceOf(randomBytes(OBJECT)), call));
		assert.ok(server.names().includes(half));
		await rejectsWith('not-found', driver.stat(driver.locate(half)!, call));
		await leaveNote(workDir, { name: whole, mark: String(4 * 1024 ** 4 - 1) });
		server.meddle = () => undefined;
		await using _ = await open(server.port, { workDir });
		assert.deepEqual(server.names(), [whole]);
		assert.deepEqual(await readdir(workDir), []);
	});

	test('closes its connection when a call is aborted, connects anew, and uses a few connections at most', async (driver, server) => {
		const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(2 * OBJECT)), call);
		const leaving = new AbortController();
		server.meddle = ({ op }) => {
			if (op === 0x14) leaving.abort(new Error('left'));
			return undefined;
		};
		await assert.rejects(driver.stat(location, { signal: leaving.signal }), /left/);
		server.meddle = () => undefined;
		const reads = await Promise.all(Array.from({ length: 12 }, () => collect(driver, location, 'whole')));
		assert.equal(new Set(reads.map(digestOf)).size, 1);
		await eventually('the aborted connection to close', () => server.connections() <= 4 || undefined);
	});

	it(`is unavailable without a server (${NAME})`, async () => {
		await rejectsWith('unavailable', open(await freePort()));
	});
});

describe('sheepdog options', () => {
	it("have Glance's names and defaults, and are refused with them", () => {
		sheepdog.check({});
		for (const [name, value] of [
			['sheepdog_store_port', '70000'],
			['sheepdog_store_address', 'a b'],
			['sheepdog_store_chunk_size', '0'],
		] as const)
			assert.throws(
				() => sheepdog.check({ [name]: value }),
				(error: unknown) => error instanceof OptionError && error.message.includes(name),
			);
	});
});
