import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openCatalogue } from '#catalogue/catalogue.ts';
import { MIGRATIONS, type Migration, migrate } from '#catalogue/level/migrations/index.ts';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { FORMAT_KEY } from '#catalogue/records.ts';
import { codeOf } from '#domain/errors.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { silentLog } from '#lib/log.ts';
import { activeImage, createOp, imageId, logTrust, logWriter } from '../support/fleet-of-logs.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const textAt = (kv: KeyValue, key: string) => new TextDecoder().decode(kv.get(key));

/** Doubles the text of every value under `old/` and moves it under `new/`, one record a batch. */
const moving: Migration = {
	name: 'move old to new',
	async *run(kv) {
		for await (const [key, value] of kv.sub('old/').entries({})) {
			const moved = new TextDecoder().decode(value).repeat(2);
			yield [{ put: `new/${key}`, value: bytes(moved) }, { del: `old/${key}` }];
		}
	},
};

async function filled(): Promise<KeyValue> {
	const kv = memoryKeyValue();
	await migrate(kv, silentLog, []);
	await kv.write(
		['a', 'b', 'c'].map((key) => ({ put: `old/${key}`, value: bytes(key) })),
		{ sync: true },
	);
	return kv;
}

describe('migrations', () => {
	it('begin a new store at the newest format without running', async () => {
		const kv = memoryKeyValue();
		const never: Migration = { name: 'never', run: () => assert.fail('a new store needs no migration') };
		await migrate(kv, silentLog, [never]);
		assert.equal(textAt(kv, FORMAT_KEY), '2');
	});

	it('bring an old store forward, each once', async () => {
		const kv = await filled();
		let runs = 0;
		const counted: Migration = {
			name: 'counted',
			async *run(of) {
				runs++;
				yield* moving.run(of);
			},
		};
		await migrate(kv, silentLog, [counted]);
		await migrate(kv, silentLog, [counted]);
		assert.equal(runs, 1);
		assert.deepEqual(await Array.fromAsync(kv.keys({})), [FORMAT_KEY, 'new/a', 'new/b', 'new/c']);
		assert.equal(textAt(kv, 'new/b'), 'bb');
	});

	it('go on where they were cut off', async () => {
		const kv = await filled();
		const cut: Migration = {
			name: 'cut',
			async *run(of) {
				for await (const changes of moving.run(of)) {
					yield changes;
					throw new Error('power is gone');
				}
			},
		};
		await assert.rejects(migrate(kv, silentLog, [cut]), /power/);
		assert.equal(textAt(kv, FORMAT_KEY), '1');
		await migrate(kv, silentLog, [moving]);
		assert.deepEqual(
			['a', 'b', 'c'].map((key) => textAt(kv, `new/${key}`)),
			['aa', 'bb', 'cc'],
		);
	});

	it('give images of format 1 their members: none', async () => {
		const kv = memoryKeyValue();
		const self = logWriter('centre');
		const open = () => openCatalogue({ kv, signer: self.signer, trust: logTrust, log: silentLog });
		const before = await open();
		await before.commit([self.announce, createOp(imageId(1)), createOp(imageId(2)), { type: 'image.delete', id: imageId(2) }]);
		await before[Symbol.asyncDispose]();
		for (const id of [imageId(1), imageId(2)]) {
			const old = textAt(kv, `i/${id}`).replace(',"members":[]', '');
			assert.ok(!old.includes('members'));
			await kv.write([{ put: `i/${id}`, value: bytes(old) }], { sync: true });
		}
		await kv.write([{ put: FORMAT_KEY, value: bytes('1') }], { sync: true });
		const after = await open();
		assert.deepEqual(after.image(imageId(1))?.members, []);
		assert.deepEqual([after.image(imageId(2)), after.knows(imageId(2))], [undefined, true]);
		assert.equal(textAt(kv, FORMAT_KEY), String(MIGRATIONS.length + 1));
	});

	it('count for a store of format 2 what each project uses', async () => {
		const kv = memoryKeyValue();
		const self = logWriter('centre');
		const open = () => openCatalogue({ kv, signer: self.signer, trust: logTrust, log: silentLog });
		const before = await open();
		await before.commit([
			self.announce,
			...activeImage(imageId(1), { owner: 'a' }, 3),
			createOp(imageId(2), { owner: 'a' }),
			...activeImage(imageId(3), { owner: null }, 2),
			...activeImage(imageId(4), { owner: 'b' }, 2),
			{ type: 'image.delete', id: imageId(4) },
		]);
		await before[Symbol.asyncDispose]();
		const kept = ['a', null, 'b'].map((owner) => before.usage(owner));
		assert.deepEqual(await Array.fromAsync(kv.sub('u/').keys({})), ['-', 'wa']);
		const old = [{ del: 'u/wa' }, { del: 'u/-' }, { put: FORMAT_KEY, value: bytes('2') }];
		await kv.write(old, { sync: true });
		const after = await open();
		assert.deepEqual(
			['a', null, 'b'].map((owner) => after.usage(owner)),
			kept,
		);
		assert.deepEqual(kept[0], { images: 2, queued: 1, uploading: 0, bytes: 3000, stagedBytes: 0 });
	});

	it('refuse a store of a newer program, and one whose format is nonsense', async () => {
		const kv = memoryKeyValue();
		const open = () => openCatalogue({ kv, signer: logWriter('a').signer, trust: logTrust, log: silentLog });
		await kv.write([{ put: FORMAT_KEY, value: bytes(String(MIGRATIONS.length + 2)) }], { sync: true });
		await assert.rejects(open(), (error: Error) => codeOf(error) === 'unavailable' && /knows formats up to/.test(error.message));
		await kv.write([{ put: FORMAT_KEY, value: bytes('"x"') }], { sync: true });
		await assert.rejects(open(), (error) => codeOf(error) === 'corrupt');
	});
});
