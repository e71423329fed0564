/** Who is told where the bytes are. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Image } from '#domain/image.ts';
import { locationsFor } from '#domain/locations.ts';
import type { ImageStore, StoreLocation } from '#domain/ports/stores.ts';
import { silentLog } from '#lib/log.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { administrator, caller, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';

const policy = createRulePolicy({ log: silentLog });
const WEIGHTS: Readonly<Record<string, number>> = { slow: 1, fast: 9, empty: 99 };
const stores = {
	find: (id: string) => ({ id, weight: WEIGHTS[id] ?? 0 }) as ImageStore,
	ofLocation: ({ metadata }: StoreLocation) => stores.find(String(metadata.store)),
};
const locationsOf = locationsFor(policy, stores);

async function stored(visibility: Image['visibility'] = 'community') {
	const { images, catalogue } = await testSite();
	const { id } = await images.create(caller(), { ...UPLOADABLE, visibility });
	await images.upload(caller(), id, uploadOf(Buffer.from('x')));
	for (const store of ['slow', 'fast'])
		await catalogue.commit([{ type: 'copy.add', id, store, kind: 'backend', url: `file:///${store}/${id}` }]);
	return { images, image: await images.show(caller(), id) };
}

describe('locations', () => {
	it('are those of stores that hold the image, by weight', async () => {
		const { image } = await stored();
		assert.deepEqual(locationsOf(caller(), image), [
			{ url: `file:///fast/${image.id}`, metadata: { store: 'fast' } },
			{ url: `file:///slow/${image.id}`, metadata: { store: 'slow' } },
		]);
	});
	it('are told to whom the rule lets know, not to everybody who sees the image', async () => {
		const { image } = await stored();
		const knowing = [caller(), caller({ roles: ['reader'] }), administrator()];
		const others = [caller({ project: 'project-b' }), caller({ roles: [] }), caller({ project: null })];
		for (const ctx of knowing) assert.equal(locationsOf(ctx, image).length, 2);
		for (const ctx of others) assert.deepEqual(locationsOf(ctx, image), []);
	});
	it('of a deactivated image are told to administrators only', async () => {
		const { images, image } = await stored();
		await images.deactivate(caller(), image.id);
		const deactivated = await images.show(caller(), image.id);
		assert.deepEqual(locationsOf(caller(), deactivated), []);
		assert.equal(locationsOf(administrator(), deactivated).length, 2);
	});
	it('of an image without data there are none', async () => {
		const { images } = await testSite();
		assert.deepEqual(locationsOf(administrator(), await images.create(caller(), {})), []);
	});
});
