/** One contract for every key-value store. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { openLevel } from '#catalogue/level/key-value.ts';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { codeOf } from '#domain/errors.ts';
import type { KeyRange, KeyValue } from '#lib/key-value.ts';

const SUBJECTS: Readonly<Record<string, (dir: string) => Promise<KeyValue>>> = {
	memory: async () => memoryKeyValue(),
	level: (dir) => openLevel(join(dir, 'db')),
};

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
const put = (key: string, value = key) => ({ put: key, value: bytes(value) });

async function keysOf(kv: KeyValue, range: KeyRange = {}): Promise<string[]> {
	return Array.fromAsync(kv.keys(range));
}

for (const [name, open] of Object.entries(SUBJECTS)) {
	describe(`key-value: ${name}`, () => {
		async function withStore(use: (kv: KeyValue) => Promise<void>): Promise<void> {
			const dir = await mkdtemp(join(tmpdir(), 'sundog-kv-'));
			const kv = await open(dir);
			try {
				await use(kv);
			} finally {
				await kv.close();
				await rm(dir, { recursive: true, force: true });
			}
		}

		it('gives back what was written, and undefined for what was not', () =>
			withStore(async (kv) => {
				await kv.write([put('a', '1'), put('b', '')], { sync: true });
				assert.equal(text(kv.get('a')), '1');
				assert.equal(kv.get('b')?.length, 0);
				assert.equal(kv.get('c'), undefined);
				assert.deepEqual((await kv.getMany(['b', 'c', 'a'])).map(text), ['', undefined, '1']);
			}));

		it('orders keys by UTF-8 bytes: the astral planes come after the whole basic plane', () =>
			withStore(async (kv) => {
				const ordered = ['\u0000', 'a', 'a\u0000', 'aa', 'é', '\uD7FF', '\uE000', '\uFFFD', '\u{10000}', '\u{1F600}'];
				await kv.write(
					ordered.toReversed().map((key) => put(key)),
					{ sync: false },
				);
				assert.deepEqual(await keysOf(kv), ordered);
				assert.deepEqual(await keysOf(kv, { gt: '\uE000', lt: '\u{1F600}' }), ['\uFFFD', '\u{10000}']);
				assert.deepEqual(await keysOf(kv, { reverse: true }), ordered.toReversed());
			}));

		it('finds long keys whatever the width of their characters', () =>
			withStore(async (kv) => {
				kv.get('x');
				for (let length = 1; length < 200; length += 1) {
					const key = '\u{1F600}'.repeat(length);
					await kv.write([put(key, String(length))], { sync: false });
					assert.equal(text(kv.get(key)), String(length));
				}
			}));

		it('honours every bound, limit and direction', () =>
			withStore(async (kv) => {
				const all = Array.from({ length: 700 }, (_, i) => i.toString(10).padStart(3, '0'));
				await kv.write(
					all.map((key) => put(key)),
					{ sync: false },
				);
				assert.deepEqual(await keysOf(kv), all);
				assert.deepEqual(await keysOf(kv, { gte: '010', lt: '013' }), ['010', '011', '012']);
				assert.deepEqual(await keysOf(kv, { gt: '010', lte: '013' }), ['011', '012', '013']);
				assert.deepEqual(await keysOf(kv, { gte: '010', lte: '500', limit: 2 }), ['010', '011']);
				assert.deepEqual(await keysOf(kv, { gte: '010', lte: '500', limit: 2, reverse: true }), ['500', '499']);
				assert.deepEqual(await keysOf(kv, { lt: '300', reverse: true, limit: 1 }), ['299']);
				assert.deepEqual(await keysOf(kv, { gt: '699' }), []);
				assert.deepEqual(await keysOf(kv, { limit: 0 }), []);
				const entries = await Array.fromAsync(kv.entries({ gte: '698' }), ([key, value]) => [key, text(value)]);
				assert.deepEqual(entries, [
					['698', '698'],
					['699', '699'],
				]);
			}));

		it('keeps a sub apart from keys whose prefix is a neighbour', () =>
			withStore(async (kv) => {
				const sub = kv.sub('a/');
				await kv.write([put('a'), put('a.'), put('a0'), put('a/'), put('a/x'), put('b')], { sync: false });
				await sub.write([put('y'), { del: 'x' }], { sync: false });
				assert.deepEqual(await keysOf(sub), ['', 'y']);
				assert.deepEqual(await keysOf(sub, { reverse: true }), ['y', '']);
				assert.deepEqual(await keysOf(sub, { gt: '' }), ['y']);
				assert.equal(text(sub.get('y')), 'y');
				assert.deepEqual(await keysOf(kv), ['a', 'a.', 'a/', 'a/y', 'a0', 'b']);
			}));

		it('nests subs, also under a prefix that ends in the last code point', () =>
			withStore(async (kv) => {
				const sub = kv.sub('a').sub('\u{10FFFF}');
				await sub.write([put('x')], { sync: false });
				await kv.write([put('b'), put('a\uFFFF')], { sync: false });
				assert.deepEqual(await keysOf(sub), ['x']);
				assert.equal(text(kv.get('a\u{10FFFF}x')), 'x');
			}));

		it('stays open when a sub is closed', () =>
			withStore(async (kv) => {
				await kv.sub('a').close();
				await kv.write([put('b')], { sync: true });
				assert.equal(text(kv.get('b')), 'b');
			}));

		it('iterates over one snapshot while others write', () =>
			withStore(async (kv) => {
				const all = Array.from({ length: 3000 }, (_, i) => i.toString().padStart(4, '0'));
				await kv.write(
					all.map((key) => put(key, 'old')),
					{ sync: false },
				);
				const seen: string[] = [];
				for await (const [key, value] of kv.entries({})) {
					if (seen.length === 0) {
						await kv.write([...all.map((k) => put(k, 'new')), put('0000x'), { del: '2999' }], { sync: false });
					}
					assert.equal(text(value), 'old');
					seen.push(key);
				}
				assert.deepEqual(seen, all);
				assert.equal(text(kv.get('0000')), 'new');
			}));

		it('shows a batch to readers as a whole or not at all', () =>
			withStore(async (kv) => {
				const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
				const writing = (async () => {
					for (let round = 0; round < 40; round++)
						await kv.write(
							keys.map((key) => put(key, String(round))),
							{ sync: false },
						);
				})();
				for (let look = 0; look < 40; look++) {
					const values = await Array.fromAsync(kv.entries({}), ([, value]) => text(value));
					assert.ok(new Set(values).size <= 1, `mixed rounds: ${[...new Set(values)]}`);
				}
				await writing;
			}));

		it('applies the changes of one batch in order', () =>
			withStore(async (kv) => {
				await kv.write([put('a', '1'), { del: 'a' }, put('b', '1'), put('b', '2'), { del: 'never' }], { sync: true });
				assert.deepEqual(await keysOf(kv), ['b']);
				assert.equal(text(kv.get('b')), '2');
			}));

		it('keeps no reference to the bytes it was given', () =>
			withStore(async (kv) => {
				const value = bytes('before');
				await kv.write([{ put: 'a', value }], { sync: false });
				value.fill(0);
				assert.equal(text(kv.get('a')), 'before');
			}));

		it('can be left in the middle of an iteration', () =>
			withStore(async (kv) => {
				await kv.write(
					Array.from({ length: 100 }, (_, i) => put(String(i))),
					{ sync: false },
				);
				for await (const _ of kv.keys({})) break;
				await kv.write([put('after')], { sync: false });
			}));
	});
}

describe('level: opening', () => {
	it('finds after a second start what was written before', async () => {
		const dir = await mkdtemp(join(tmpdir(), 'sundog-kv-'));
		try {
			const first = await openLevel(dir);
			await first.write([put('a', '1')], { sync: true });
			await first.close();
			const second = await openLevel(dir);
			assert.equal(text(second.get('a')), '1');
			await second.close();
		} finally {
			await rm(dir, { recursive: true, force: true });
		}
	});

	it('refuses a data directory that another process has open, by name', async () => {
		const dir = await mkdtemp(join(tmpdir(), 'sundog-kv-'));
		const kv = await openLevel(dir);
		try {
			const script = `
				const { openLevel } = await import('#catalogue/level/key-value.ts');
				await openLevel(process.argv[1]).catch((e) => console.log(JSON.stringify([e.code, e.message])));`;
			const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, dir], {
				cwd: join(import.meta.dirname, '../..'),
			});
			assert.deepEqual(JSON.parse(stdout), ['conflict', `data directory ${dir} is in use by another process`]);
		} finally {
			await kv.close();
			await rm(dir, { recursive: true, force: true });
		}
	});

	it('says that a directory cannot be written', async () => {
		const dir = await mkdtemp(join(tmpdir(), 'sundog-kv-'));
		try {
			await writeFile(join(dir, 'file'), '');
			await assert.rejects(openLevel(join(dir, 'file', 'db')), (error) => codeOf(error) === 'write-denied');
		} finally {
			await rm(dir, { recursive: true, force: true });
		}
	});

	it('gives up when told to before it begins', async () => {
		const signal = AbortSignal.abort();
		await assert.rejects(openLevel('/nowhere', { signal }), (error) => codeOf(error) === 'aborted');
	});
});
