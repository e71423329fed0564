/** The quota's contract: over the whole onion, for limits from the configuration and for unified ones. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeOf, type ErrorCode, ImageError } from '#domain/errors.ts';
import { UNIFIED_RESOURCES, type UnifiedResource } from '#domain/ports/quota.ts';
import { NO_USAGE } from '#domain/usage.ts';
import { MiB } from '#lib/sizes.ts';
import type { UnifiedLimits } from '#quota/ports.ts';
import { heldUpload } from '../support/held-upload.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { administrator, caller, pieces, type TestSite, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';

type Limits = Readonly<Partial<Record<UnifiedResource, number>>>;

const ctx = caller();
const OWNER = 'project-a';
const NONE = Object.fromEntries(UNIFIED_RESOURCES.map((name) => [name, -1])) as Record<UnifiedResource, number>;
const fixed = (limits: Limits): UnifiedLimits => ({ of: async () => ({ ...NONE, ...limits }) });

/** Ways to say that a project may have so many bytes. */
const STORAGE: Readonly<Record<string, (bytes: number) => Parameters<typeof testSite>[0]>> = {
	user_storage_quota: (bytes) => ({ limits: { userStorage: bytes } }),
	image_size_total: (bytes) => ({ unified: fixed({ image_size_total: bytes / MiB }) }),
};

function refused(promise: Promise<unknown>, code: ErrorCode, text = /./): Promise<void> {
	return assert.rejects(promise, (error: Error) => {
		assert.equal(codeOf(error), code, error.message);
		assert.match(error.message, text);
		return true;
	});
}

const queued = async ({ images }: TestSite, of = ctx) => (await images.create(of, UPLOADABLE)).id;
const declared = (size: number) => uploadOf(new Uint8Array(size), { declaredSize: size });
const undeclared = (size: number) => uploadOf(new Uint8Array(size));

for (const [name, limited] of Object.entries(STORAGE)) {
	describe(`${name} limits the bytes of a project`, () => {
		for (const [way, upload] of Object.entries({ declared, undeclared })) {
			it(`64 ${way} uploads at once take all there is and not a byte more`, async () => {
				const site = await testSite(limited(10 * MiB));
				let highest = 0;
				site.catalogue.follow(() => {
					highest = Math.max(highest, site.catalogue.usage(OWNER).bytes);
				});
				const ids = await Promise.all(Array.from({ length: 64 }, () => queued(site)));
				const ends = await Promise.allSettled(ids.map((id) => site.images.upload(ctx, id, upload(MiB))));
				const failed = ends.filter((end) => end.status === 'rejected');
				for (const { reason } of failed) assert.match(reason.message, new RegExp(`project-a would exceed its limit ${name}`));
				assert.ok(highest <= 10 * MiB, `${highest}`);
				if (way === 'declared') assert.equal(failed.length, 54);
				assert.equal(site.catalogue.usage(OWNER).bytes, (64 - failed.length) * MiB);
				assert.deepEqual(site.quota.reserved(OWNER), NO_USAGE);
			});
		}
		it('is met exactly by a stream of undeclared length; one byte more is refused and none is kept', async () => {
			const data = memoryImageData();
			const site = await testSite({ ...limited(MiB), data });
			const [over, exact, empty] = [await queued(site), await queued(site), await queued(site)];
			await refused(site.images.upload(ctx, over, undeclared(MiB + 1)), 'too-large', new RegExp(name));
			assert.equal((await site.images.show(ctx, over)).status, 'queued');
			assert.equal(data.contents.size, 0);
			assert.equal((await site.images.upload(ctx, exact, undeclared(MiB))).status, 'active');
			await refused(site.images.upload(ctx, over, undeclared(1)), 'too-large');
			assert.equal((await site.images.upload(ctx, empty, undeclared(0))).size, 0);
		});
		it('refuses what is declared too large before a byte of it is asked for', async () => {
			const site = await testSite(limited(MiB));
			const id = await queued(site);
			const data: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => assert.fail('the client was asked for bytes') };
			await refused(site.images.upload(ctx, id, { data, declaredSize: MiB + 1, maxBytes: 8 * MiB }), 'too-large');
			assert.equal((await site.images.show(ctx, id)).status, 'queued');
		});
		it('counts the bytes of an upload whose image was deleted, until it ends', async () => {
			const site = await testSite(limited(4 * MiB));
			const [first, second] = [await queued(site), await queued(site)];
			const held = heldUpload(new Uint8Array(3 * MiB));
			const uploading = site.images.upload(ctx, first, held.upload);
			await held.started;
			await site.images.remove(ctx, first);
			await refused(site.images.upload(ctx, second, declared(2 * MiB)), 'too-large');
			held.release();
			await refused(uploading, 'gone');
			assert.equal((await site.images.upload(ctx, second, declared(2 * MiB))).status, 'active');
			assert.deepEqual(site.quota.reserved(OWNER), NO_USAGE);
		});
		it('charges the owner, also for what an administrator uploads', async () => {
			const site = await testSite(limited(2 * MiB));
			const [mine, theirs] = [await queued(site), await queued(site, caller({ project: 'project-b' }))];
			await site.images.upload(administrator(), mine, declared(2 * MiB));
			await refused(site.images.upload(administrator(), await queued(site), declared(MiB)), 'too-large', /project-a/);
			await site.images.upload(administrator(), theirs, declared(2 * MiB));
		});
		it('gives back what a deleted image and a failed upload took', async () => {
			const site = await testSite(limited(MiB));
			const id = await queued(site);
			async function* broken(): AsyncGenerator<Uint8Array> {
				yield new Uint8Array(MiB - 1);
				throw new ImageError('aborted', 'the client went');
			}
			await refused(site.images.upload(ctx, id, uploadOf(new Uint8Array(), { data: broken() })), 'aborted');
			await site.images.upload(ctx, id, declared(MiB));
			await site.images.remove(ctx, id);
			await site.images.upload(ctx, await queued(site), declared(MiB));
			assert.deepEqual(site.quota.reserved(OWNER), NO_USAGE);
		});
	});
}

describe('limits on numbers of images', () => {
	it('image_count_total: many creates at once make as many as there may be', async () => {
		const site = await testSite({ unified: fixed({ image_count_total: 5 }) });
		const ends = await Promise.allSettled(Array.from({ length: 40 }, () => site.images.create(ctx, {})));
		const failed = ends.filter((end) => end.status === 'rejected');
		assert.equal(failed.length, 35);
		for (const { reason } of failed)
			assert.deepEqual([codeOf(reason), /image_count_total of 5/.test(reason.message)], ['limit-exceeded', true]);
		assert.equal(site.catalogue.usage(OWNER).images, 5);
		assert.equal((await site.images.create(caller({ project: 'project-b' }), {})).owner, 'project-b');
		const { images } = await site.images.list(ctx, {
			filters: [],
			sort: [{ key: 'id', descending: false }],
			limit: 9,
			withCommunity: true,
		});
		await site.images.remove(ctx, images[0]?.id ?? '');
		await site.images.create(ctx, {});
		assert.deepEqual(site.quota.reserved(OWNER), NO_USAGE);
	});
	it('a create that fails gives its place back', async () => {
		const site = await testSite({ unified: fixed({ image_count_total: 2 }) });
		const { id } = await site.images.create(ctx, {});
		await refused(site.images.create(ctx, { id }), 'conflict');
		await site.images.create(ctx, {});
	});
	it('image_count_uploading: as many as there may be, each counted once', async () => {
		const site = await testSite({ unified: fixed({ image_count_uploading: 2 }) });
		const ids = [await queued(site), await queued(site), await queued(site)];
		const held = ids.slice(0, 2).map(() => heldUpload(new Uint8Array(3)));
		const uploads = held.map(({ upload }, n) => site.images.upload(ctx, ids[n] ?? '', upload));
		await Promise.all(held.map(({ started }) => started));
		await refused(site.images.upload(ctx, ids[2] ?? '', declared(3)), 'too-large', /image_count_uploading of 2/);
		for (const { release } of held) release();
		await Promise.all(uploads);
		await site.images.upload(ctx, ids[2] ?? '', declared(3));
	});
	it('queued images: an upload keeps the place that its failure would need', async () => {
		const site = await testSite({ limits: { queuedImages: 2 } });
		const [first] = [await queued(site), await queued(site)];
		const held = heldUpload(new Uint8Array(3));
		const uploading = site.images.upload(ctx, first, held.upload);
		await held.started;
		await refused(queued(site), 'limit-exceeded', /queued images of 2/);
		held.fail(new ImageError('aborted', 'the client went'));
		await refused(uploading, 'aborted');
		assert.equal(site.catalogue.usage(OWNER).queued, 2);
		await site.images.upload(ctx, first, declared(3));
		await queued(site);
		await refused(queued(site), 'limit-exceeded');
	});
	it('an image in use by another owner has its own place', async () => {
		const site = await testSite({ limits: { queuedImages: 1 } });
		const id = await queued(site, caller({ project: 'project-b' }));
		await refused(site.images.create(ctx, { id }), 'conflict');
		await queued(site);
	});
});

describe('one upload of undeclared size may pass image_size_total, as in Glance', () => {
	const glance = (mib: () => number) =>
		({ unified: { of: async () => ({ ...NONE, image_size_total: mib() }) }, overshoot: 'one' }) as const;

	it('when the project is within it as the upload begins; then nothing more until there is room', async () => {
		let mib = 1;
		const site = await testSite(glance(() => mib));
		const ids = await Promise.all([1, 2, 3, 4].map(() => queued(site)));
		const upload = (n: number) => site.images.upload(ctx, ids[n] ?? '', undeclared(MiB));
		await upload(0);
		await upload(1);
		await refused(upload(2), 'too-large', /image_size_total/);
		mib = 2;
		await upload(2);
		await refused(upload(3), 'too-large');
		await site.images.remove(ctx, ids[0] ?? '');
		await upload(3);
		assert.deepEqual(site.quota.reserved(OWNER), NO_USAGE);
	});
	it('one at a time', async () => {
		const site = await testSite(glance(() => 1));
		const ids = [await queued(site), await queued(site)];
		const ends = await Promise.allSettled(ids.map((id) => site.images.upload(ctx, id, undeclared(3 * MiB))));
		assert.deepEqual(ends.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
		assert.equal(site.catalogue.usage(OWNER).bytes, 3 * MiB);
	});
	it('never one that says its size, and never past user_storage_quota', async () => {
		const site = await testSite({ ...glance(() => 1), limits: { userStorage: 2 * MiB } });
		const id = await queued(site);
		await refused(site.images.upload(ctx, id, declared(MiB + 1)), 'too-large', /image_size_total of 1 MiB/);
		await refused(site.images.upload(ctx, id, undeclared(2 * MiB + 1)), 'too-large', /user_storage_quota/);
		await site.images.upload(ctx, id, undeclared(2 * MiB));
	});
});

describe('image_stage_total limits the bytes that wait', () => {
	it('of 64 at once as many as fit are staged, and uploads go on beside them', async () => {
		const site = await testSite({ unified: fixed({ image_stage_total: 10 }) });
		const ids = await Promise.all(Array.from({ length: 64 }, () => queued(site)));
		const ends = await Promise.allSettled(ids.map((id) => site.images.stage(ctx, id, declared(MiB))));
		assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 10);
		assert.equal(site.catalogue.usage(OWNER).stagedBytes, 10 * MiB);
		assert.equal((await site.images.upload(ctx, await queued(site), undeclared(MiB))).status, 'active');
		assert.deepEqual(site.quota.reserved(OWNER), NO_USAGE);
	});
	it('a stream of undeclared length is charged as it comes', async () => {
		const site = await testSite({ unified: fixed({ image_stage_total: 1 }) });
		await refused(site.images.stage(ctx, await queued(site), undeclared(MiB + 1)), 'too-large', /image_stage_total/);
		assert.equal((await site.images.stage(ctx, await queued(site), undeclared(MiB))).status, 'uploading');
	});
});

describe('unified limits', () => {
	it('are refused by what nobody can say, before a byte is asked for', async () => {
		let away = false;
		const unified: UnifiedLimits = {
			async of() {
				if (away) throw new ImageError('unavailable', 'keystone is away');
				return NONE;
			},
		};
		const site = await testSite({ unified });
		const id = await queued(site);
		away = true;
		const data: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => assert.fail('the client was asked for bytes') };
		await refused(site.images.upload(ctx, id, { data, maxBytes: 9 }), 'unavailable');
		await refused(site.images.create(ctx, {}), 'unavailable');
		assert.equal((await site.images.show(ctx, id)).status, 'queued');
		assert.deepEqual(site.quota.reserved(OWNER), NO_USAGE);
	});
	it('are reported in whole MiB, with what is used and not with what is promised', async () => {
		const site = await testSite({ unified: fixed({ image_size_total: 7, image_count_total: 9 }) });
		const [full, waiting] = [await queued(site), await queued(site)];
		await site.images.upload(ctx, full, declared(2 * MiB - 1));
		const held = heldUpload(new Uint8Array(3 * MiB));
		const uploading = site.images.upload(ctx, waiting, held.upload);
		await held.started;
		assert.deepEqual(await site.quota.report(ctx), {
			image_size_total: { usage: 1, limit: 7 },
			image_stage_total: { usage: 0, limit: -1 },
			image_count_total: { usage: 2, limit: 9 },
			image_count_uploading: { usage: 1, limit: -1 },
		});
		held.release();
		await uploading;
		await refused(site.quota.report(caller({ project: null })), 'forbidden');
		assert.equal((await site.quota.report(administrator({ project: null })))?.image_count_total.usage, 0);
		assert.equal(await (await testSite()).quota.report(ctx), undefined);
	});
});

describe('bytes that come in pieces', () => {
	it('leave the source when they do not fit, so that it can be answered', async () => {
		const site = await testSite({ limits: { userStorage: 10_000 } });
		let left = false;
		async function* endless(): AsyncGenerator<Uint8Array> {
			try {
				for (;;) yield* pieces(new Uint8Array(4096));
			} finally {
				left = true;
			}
		}
		await refused(site.images.upload(ctx, await queued(site), uploadOf(new Uint8Array(), { data: endless() })), 'too-large');
		assert.equal(left, true);
	});
});
