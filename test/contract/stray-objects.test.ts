/**
 * What a store holds and no record names, when the way to the store is lost at the worst moments: just after an object has been
 * taken, before anybody could see whether it is right. It goes as soon as the store answers again, without a restart.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { ImageError } from '#domain/errors.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import { silentLog } from '#lib/log.ts';
import { createImageObjects } from '#replication/image-objects.ts';
import { createObjectKeeper } from '#replication/object-keeper.ts';
import type { StoreDriver } from '#store/driver.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { OCTETS, startApi } from '../support/api-server.ts';
import { eventually } from '../support/eventually.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { testCatalogue, testSite } from '../support/onion.ts';
import { testStore, testStores } from '../support/test-store.ts';

const BYTES = randomBytes(50_000);
const signal = new AbortController().signal;

/** A store whose link dies when it has taken an object, until it is mended. `chooses`: nobody knows an object's place before it does. */
async function breakable(id: string, { chooses = false } = {}) {
	const driver = await openMemory();
	let breaks = false;
	let down = false;
	const up = () => {
		if (down) throw new ImageError('unavailable', 'the connection was lost');
	};
	const fragile: StoreDriver = {
		...driver,
		...(chooses && { locate: () => undefined }),
		async put(...args) {
			up();
			const stored = await driver.put(...args);
			if (chooses) await args[2].onPlace?.(stored.location);
			down = breaks;
			return stored;
		},
		async stat(...args) {
			up();
			return driver.stat(...args);
		},
		async remove(...args) {
			up();
			return driver.remove(...args);
		},
	};
	return {
		store: testStore(id, fragile, { tries: 1 }),
		breakAfterPut() {
			breaks = true;
		},
		mend() {
			breaks = false;
			down = false;
		},
		isDown: () => down,
		/** past the link */
		holds: (image: string) =>
			driver.stat(driver.locate(image) ?? '', { signal }).then(
				() => true,
				() => false,
			),
	};
}

async function scene(stack: AsyncDisposableStack, { seeded }: { readonly seeded?: string } = {}) {
	const [near, far] = await Promise.all([breakable('near'), breakable('far', { chooses: true })]);
	const stores = testStores([near.store, far.store], 'near');
	const catalogue = stack.use(await testCatalogue('centre'));
	const data = memoryImageData();
	const objects = createImageObjects({
		kv: memoryKeyValue(),
		content: { ...data, file: () => undefined, pin: () => ({ [Symbol.dispose]() {} }) },
		onLeft: (id, store) => keeper.look(id, store),
	});
	const isSeeded = ({ id }: ImageStore) => id === seeded;
	const open = () => createObjectKeeper({ catalogue, objects, stores, isSeeded, log: silentLog, firstDelayMs: 5 });
	let keeper = open();
	stack.defer(() => keeper[Symbol.asyncDispose]());
	await keeper.start();
	const api = stack.use(await startApi({ site: await testSite({ catalogue, data, objects, stores }) }));
	return {
		...{ api, near, far, objects },
		async restartKeeper() {
			await keeper[Symbol.asyncDispose]();
			keeper = open();
			await keeper.start();
		},
		show: async (id: string) => (await api.ask('GET', `/v2/images/${id}`)).json,
		upload: (id: string, store: string) =>
			api.ask('PUT', `/v2/images/${id}/file`, { headers: { ...OCTETS, 'x-image-meta-store': store }, body: BYTES }),
		async importing(id: string, body: object) {
			const { status } = await api.ask('POST', `/v2/images/${id}/import`, { body });
			assert.equal(status, 202);
			await api.executor.idle();
		},
		gone: (where: typeof near, id: string) =>
			eventually('the object to be gone', async () =>
				!(await where.holds(id)) && !objects.isNoted(id, where.store) ? true : undefined,
			),
	};
}

describe('an object that was taken just before the way to its store was lost', () => {
	it('by an upload: it goes when the store is back, and another upload is left alone', async () => {
		await using stack = new AsyncDisposableStack();
		const { api, near, far, show, upload, gone } = await scene(stack);
		const id = await api.queued();
		near.breakAfterPut();
		const failed = await upload(id, 'near');
		assert.equal(failed.status, 503);
		assert.match(failed.text, /store near/);
		assert.deepEqual([(await show(id)).status, await near.holds(id)], ['queued', true]);
		near.mend();
		await gone(near, id);
		assert.equal((await upload(id, 'near')).status, 204);
		assert.equal((await show(id)).status, 'active');
		far.breakAfterPut();
		const other = await api.queued();
		assert.equal((await upload(other, 'far')).status, 503);
		assert.equal((await upload(other, 'near')).status, 204);
		far.mend();
		await gone(far, other);
		assert.ok((await near.holds(id)) && (await near.holds(other)));
	});
	it('by an upload to a store that chooses the place: it is known on the way, and goes after the next start', async () => {
		await using stack = new AsyncDisposableStack();
		const { api, far, upload, restartKeeper, gone } = await scene(stack);
		const id = await api.queued();
		far.breakAfterPut();
		assert.equal((await upload(id, 'far')).status, 503);
		await restartKeeper();
		assert.ok(await far.holds(id));
		far.mend();
		await gone(far, id);
	});
	it('by an upload that is tried again before it could go: the object is the new one, and stays', async () => {
		await using stack = new AsyncDisposableStack();
		const { api, near, show, upload } = await scene(stack);
		const id = await api.queued();
		near.breakAfterPut();
		assert.equal((await upload(id, 'near')).status, 503);
		near.mend();
		assert.equal((await upload(id, 'near')).status, 204);
		assert.deepEqual([(await show(id)).status, await near.holds(id)], ['active', true]);
	});
	it('by an import to two stores: both go, and the image is queued', async () => {
		await using stack = new AsyncDisposableStack();
		const { api, near, far, show, importing, gone } = await scene(stack);
		const id = await api.queued();
		await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body: BYTES });
		near.breakAfterPut();
		await importing(id, { method: { name: 'glance-direct' }, stores: ['near', 'far'], all_stores_must_succeed: true });
		assert.equal((await show(id)).status, 'queued');
		assert.ok(near.isDown() && (await near.holds(id)));
		near.mend();
		await gone(near, id);
		await gone(far, id);
	});
	for (const must of [true, false])
		it(`by a copy, all stores ${must ? 'needed' : 'wished for'}: the image stays active, and the object goes`, async () => {
			await using stack = new AsyncDisposableStack();
			const { api, near, far, show, importing, gone } = await scene(stack);
			const id = await api.active(BYTES);
			far.breakAfterPut();
			const copy = { method: { name: 'copy-image' }, stores: ['far'], all_stores_must_succeed: must };
			await importing(id, copy);
			const { status, stores, os_glance_failed_import: missed } = await show(id);
			assert.deepEqual([status, stores.includes('far'), missed], ['active', false, 'far']);
			assert.ok(await far.holds(id));
			far.mend();
			await gone(far, id);
			assert.ok(await near.holds(id));
			await importing(id, copy);
			assert.match((await show(id)).stores, /far/);
			assert.ok(await far.holds(id));
		});
	it('by a copy to the store that is filled by itself: it stays for that', async () => {
		await using stack = new AsyncDisposableStack();
		const { api, far, importing, restartKeeper } = await scene(stack, { seeded: 'far' });
		const id = await api.active(BYTES);
		far.breakAfterPut();
		await importing(id, { method: { name: 'copy-image' }, stores: ['far'], all_stores_must_succeed: false });
		far.mend();
		await restartKeeper();
		assert.ok(await far.holds(id));
	});
	it('and before the node ended: it goes after the next start', async () => {
		await using stack = new AsyncDisposableStack();
		const { api, far, importing, restartKeeper, gone } = await scene(stack);
		const id = await api.active(BYTES);
		far.breakAfterPut();
		await importing(id, { method: { name: 'copy-image' }, stores: ['far'], all_stores_must_succeed: false });
		await restartKeeper();
		assert.ok(await far.holds(id));
		far.mend();
		await gone(far, id);
	});
});
