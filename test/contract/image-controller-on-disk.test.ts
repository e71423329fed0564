/** The onion over the real content store: what the controller promises about records holds for files on disk. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { openContentStore } from '#content/content-store.ts';
import { lateSources } from '#content/late-sources.ts';
import { memoryLedger } from '#content/ledger.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import { silentLog } from '#lib/log.ts';
import { filesUnder } from '../support/files.ts';
import { bytesOf, caller, pieces, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const MiB = 1024 * 1024;
const ctx = caller();

async function siteOnDisk() {
	const dir = await temporaryDir();
	const content = await openContentStore({
		directory: dir.path,
		index: memoryKeyValue(),
		sources: lateSources(),
		ledger: memoryLedger(),
		shareBlocks: false,
		log: silentLog,
	});
	const site = await testSite({ data: content });
	return {
		...site,
		content,
		bytesOnDisk: async () => (await filesUnder(dir.path)).reduce((sum, { stat }) => sum + stat.size, 0),
		async [Symbol.asyncDispose]() {
			await content[Symbol.asyncDispose]();
			await dir[Symbol.asyncDispose]();
		},
	};
}

describe('the onion over the content store', () => {
	for (const size of [0, 1, MiB - 1, MiB, 3 * MiB + 7])
		it(`${size} bytes come back as they went in`, async () => {
			await using site = await siteOnDisk();
			const bytes = randomBytes(size);
			const { id } = await site.images.create(ctx, UPLOADABLE);
			const image = await site.images.upload(ctx, id, uploadOf(bytes, { data: pieces(bytes, 65_521), declaredSize: size }));
			assert.equal(image.checksum, createHash('md5').update(bytes).digest('hex'));
			assert.equal(image.hashValue, createHash('sha512').update(bytes).digest('hex'));
			assert.equal(site.content.presence(image.content?.root ?? ''), 'complete');
			assert.ok((await bytesOf(site.images, ctx, id))?.equals(bytes));
		});

	it('an upload that fails leaves nothing on disk and the image queued', async () => {
		await using site = await siteOnDisk();
		const empty = await site.bytesOnDisk();
		const bytes = randomBytes(3 * MiB);
		async function* broken(): AsyncGenerator<Uint8Array> {
			yield bytes;
			throw new ImageError('aborted', 'the client went');
		}
		const { id } = await site.images.create(ctx, UPLOADABLE);
		for (const upload of [
			uploadOf(bytes, { data: broken() }),
			uploadOf(bytes, { declaredSize: 1 }),
			uploadOf(bytes, { maxBytes: MiB }),
		])
			await assert.rejects(site.images.upload(ctx, id, upload), (error) => codeOf(error) !== undefined);
		assert.equal((await site.images.show(ctx, id)).status, 'queued');
		assert.equal(await site.bytesOnDisk(), empty);
	});

	it('equal bytes are one content, dropped with the last image that has them', async () => {
		await using site = await siteOnDisk();
		const bytes = randomBytes(2 * MiB);
		const ids = await Promise.all(
			[0, 1].map(async () => {
				const { id } = await site.images.create(ctx, UPLOADABLE);
				await site.images.upload(ctx, id, uploadOf(bytes));
				return id;
			}),
		);
		assert.ok((await site.bytesOnDisk()) < 1.5 * bytes.length);
		await site.images.remove(ctx, ids[0] ?? '');
		assert.ok((await bytesOf(site.images, ctx, ids[1] ?? ''))?.equals(bytes));
		await site.images.remove(ctx, ids[1] ?? '');
		assert.ok((await site.bytesOnDisk()) < MiB);
	});
});
