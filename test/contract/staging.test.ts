/** Staged data: bytes that wait for an import. Image API v2, "Stage binary image data". */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeOf, type ErrorCode } from '#domain/errors.ts';
import { recoverImports, recoverInterrupted } from '#domain/recovery.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { bytesOf, caller, pieces, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';

const ctx = caller();
const BYTES = Buffer.from('staged bytes');

function refused(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
	return assert.rejects(promise, (error) => codeOf(error) === code);
}

describe('staging', () => {
	it('takes bytes of a queued image, with or without formats; they show as its size and are not readable', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, {});
		const staged = await images.stage(ctx, id, uploadOf(BYTES));
		assert.deepEqual([staged.status, staged.size, staged.checksum, staged.copies], ['uploading', BYTES.length, null, []]);
		assert.equal(await bytesOf(images, ctx, id), null);
		await refused(images.stage(ctx, id, uploadOf(BYTES)), 'conflict');
		await refused(images.upload(ctx, id, uploadOf(BYTES)), 'conflict');
	});
	it('keeps its bytes from whoever drops what no image names, until the image goes', async () => {
		const data = memoryImageData();
		const { images, catalogue } = await testSite({ data });
		const { id } = await images.create(ctx, UPLOADABLE);
		const twin = await images.create(ctx, UPLOADABLE);
		await images.upload(ctx, twin.id, uploadOf(BYTES));
		const { staged } = await images.stage(ctx, id, uploadOf(BYTES));
		await images.remove(ctx, twin.id);
		assert.equal(data.contents.size, 1, 'the staged image still names them');
		assert.deepEqual(
			(await catalogue.imagesOf(staged?.content.root ?? '')).map((image) => image.id),
			[id],
		);
		await images.remove(ctx, id);
		assert.equal(data.contents.size, 0);
	});
	it('that fails leaves the image queued and no byte behind', async () => {
		const data = memoryImageData();
		const { images } = await testSite({ data });
		const { id } = await images.create(ctx, UPLOADABLE);
		await refused(images.stage(ctx, id, uploadOf(BYTES, { declaredSize: 1 })), 'invalid');
		const image = await images.show(ctx, id);
		assert.deepEqual([image.status, image.size, image.staged], ['queued', null, null]);
		assert.equal((await images.stage(ctx, id, uploadOf(BYTES))).status, 'uploading');
	});
	it('is for who may change the image', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, { ...UPLOADABLE, visibility: 'community' });
		await refused(images.stage(caller({ project: 'project-b' }), id, uploadOf(BYTES)), 'forbidden');
		await refused(images.stage(caller({ roles: ['reader'] }), id, uploadOf(BYTES)), 'forbidden');
		await refused(images.stage(ctx, crypto.randomUUID(), uploadOf(BYTES)), 'not-found');
	});
	it('that a crash cut short begins anew after the next start; what was staged stays', async () => {
		const { images, catalogue, site } = await testSite();
		const [cut, whole] = [await images.create(ctx, UPLOADABLE), await images.create(ctx, UPLOADABLE)];
		await catalogue.commit([{ type: 'image.status', id: cut.id, status: 'uploading' }]);
		await images.stage(ctx, whole.id, uploadOf(BYTES));
		const node = (await images.show(ctx, whole.id)).worker ?? assert.fail();
		assert.deepEqual(await recoverInterrupted({ catalogue, site, node }), [cut.id]);
		assert.equal((await images.show(ctx, cut.id)).status, 'queued');
		assert.equal((await images.show(ctx, whole.id)).status, 'uploading');
	});
	it('whose import no task will end is given up at the next start', async () => {
		const { images, catalogue, site } = await testSite();
		const [lost, tended] = [await images.create(ctx, UPLOADABLE), await images.create(ctx, UPLOADABLE)];
		for (const { id } of [lost, tended]) {
			await images.stage(ctx, id, uploadOf(BYTES));
			await images.beginImport(ctx, id, { method: { name: 'glance-direct' } }, { task: 'a task', isOver: () => false });
		}
		const node = (await images.show(ctx, lost.id)).worker ?? assert.fail();
		assert.deepEqual(await recoverImports({ catalogue, site, node: 'its neighbour' }, () => false), []);
		assert.deepEqual(await recoverImports({ catalogue, site, node }, (id) => id === tended.id), [lost.id]);
		assert.deepEqual([(await images.show(ctx, lost.id)).status, (await images.show(ctx, lost.id)).worker], ['queued', null]);
		assert.equal((await images.show(ctx, tended.id)).status, 'importing');
	});
	it('of many at once one wins', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		const tries = Array.from({ length: 8 }, () => images.stage(ctx, id, { data: pieces(BYTES), maxBytes: 1024 }));
		const outcomes = await Promise.allSettled(tries);
		assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
	});
});
