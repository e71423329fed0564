/** Who may read an image, as stores with a notion of that are told. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImageError } from '#domain/errors.ts';
import type { StoreReaders } from '#domain/ports/stores.ts';
import { silentLog } from '#lib/log.ts';
import { createReadersKeeper } from '#replication/readers-keeper.ts';
import type { StoreDriver } from '#store/driver.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { eventually } from '../support/eventually.ts';
import { administrator, caller, testCatalogue, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';
import { testStore, testStores } from '../support/test-store.ts';

const BYTES = Buffer.from('read by whom?');

/** A store that remembers who may read what, and refuses to listen so many times. */
async function sharingStore(id: string) {
	const driver = await openMemory();
	const said: { readonly location: string; readonly readers: StoreReaders }[] = [];
	let deafFor = 0;
	const sharing: StoreDriver = {
		...driver,
		manifest: { ...driver.manifest, shares: true },
		async share(location, readers) {
			if (deafFor > 0) {
				deafFor -= 1;
				throw new ImageError('unavailable', 'the backend is away');
			}
			said.push({ location, readers });
		},
	};
	return {
		store: testStore(id, sharing, { tries: 1 }),
		said,
		deaf(times: number) {
			deafFor = times;
		},
	};
}

async function scene(stack: AsyncDisposableStack) {
	const tenants = await sharingStore('tenants');
	const plain = testStore('plain', await openMemory());
	assert.equal(plain.share, undefined);
	const stores = testStores([tenants.store, plain], 'tenants');
	const catalogue = stack.use(await testCatalogue('centre'));
	const site = await testSite({ catalogue, stores });
	const open = () => stack.use(createReadersKeeper({ catalogue, stores, log: silentLog, firstDelayMs: 5 }));
	const owner = caller();
	const { id } = await site.images.create(owner, { ...UPLOADABLE, owner: owner.project });
	/** Resolves when the last word of the store is this one. */
	const hears = (readers: StoreReaders) =>
		eventually(`the store to hear ${JSON.stringify(readers)}`, () => {
			const last = tenants.said.at(-1);
			return last !== undefined && JSON.stringify(last.readers) === JSON.stringify(readers) ? last.location : undefined;
		});
	const upload = (store: string) => site.images.upload(owner, id, uploadOf(BYTES, { store }));
	return { tenants, site, open, owner, id, hears, upload };
}

describe('a store that asks who may read', () => {
	it('hears it with the object, and whenever members or visibility change', async () => {
		await using stack = new AsyncDisposableStack();
		const { tenants, site, open, owner, id, hears, upload } = await scene(stack);
		await open().start();
		await site.images.addMember(owner, id, 'b');
		assert.equal(tenants.said.length, 0);
		await upload('tenants');
		const location = await hears({ public: false, projects: ['b'] });
		assert.ok(location.includes(id));
		await site.images.addMember(owner, id, 'a');
		await hears({ public: false, projects: ['a', 'b'] });
		await site.images.removeMember(owner, id, 'b');
		await hears({ public: false, projects: ['a'] });
		const admin = administrator();
		for (const [visibility, readers] of [
			['public', { public: true, projects: [] }],
			['private', { public: false, projects: [] }],
			['community', { public: true, projects: [] }],
			['shared', { public: false, projects: ['a'] }],
		] as const) {
			await site.images.update(admin, id, [{ set: { visibility } }]);
			await hears(readers);
		}
	});
	it('hears it again when it did not listen, and no client waits for that', async () => {
		await using stack = new AsyncDisposableStack();
		const { tenants, site, open, owner, id, hears, upload } = await scene(stack);
		await open().start();
		tenants.deaf(4);
		assert.equal((await upload('tenants')).status, 'active');
		await site.images.addMember(owner, id, 'late');
		await hears({ public: false, projects: ['late'] });
	});
	it('hears at the start what was not said before the end', async () => {
		await using stack = new AsyncDisposableStack();
		const { site, open, owner, id, hears, upload } = await scene(stack);
		await upload('tenants');
		await site.images.addMember(owner, id, 'a');
		await open().start();
		await hears({ public: false, projects: ['a'] });
	});
	it('hears nothing twice, and nothing of images elsewhere', async () => {
		await using stack = new AsyncDisposableStack();
		const { tenants, site, open, owner, id, hears, upload } = await scene(stack);
		await open().start();
		await upload('plain');
		const { id: other } = await site.images.create(owner, { ...UPLOADABLE, owner: owner.project });
		await site.images.upload(owner, other, uploadOf(BYTES, { store: 'tenants' }));
		await hears({ public: false, projects: [] });
		await site.images.addTag(owner, other, 'seen');
		await site.images.addTag(owner, id, 'seen');
		await site.images.addMember(owner, other, 'a');
		await hears({ public: false, projects: ['a'] });
		assert.equal(tenants.said.length, 2);
		assert.ok(tenants.said.every(({ location }) => location.includes(other)));
	});
});
