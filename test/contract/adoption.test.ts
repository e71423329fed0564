/** Adoption of what lies in a store: the real catalogue, the real content store, the real file driver. */
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { lateSources } from '#content/late-sources.ts';
import type { AdoptionParts, AdoptionStep, AdoptionWish } from '#domain/adoption.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ImageDraft } from '#domain/image.ts';
import { database } from '#domain/layers/database.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import { silentLog } from '#lib/log.ts';
import { createImageObjects } from '#replication/image-objects.ts';
import { createObjectKeeper } from '#replication/object-keeper.ts';
import { createOrigins } from '#replication/origins.ts';
import { readingOrigins } from '#replication/reading-origins.ts';
import { openFilesystem } from '#store/drivers/filesystem.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { testAdopter } from '../support/adopting.ts';
import { gpt, joined, luks, qcow2, qed } from '../support/disk-images.ts';
import { eventually } from '../support/eventually.ts';
import { administrator, bytesOf, testCatalogue, testSite, uploadOf } from '../support/onion.ts';
import { diskBytes, openContent } from '../support/open-content.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore, testStores } from '../support/test-store.ts';

const MiB = 1024 * 1024;
const WISH: AdoptionWish = { owner: 'project-a', visibility: 'private', dryRun: false };

/** A site with one file store, in whose folder somebody else has put files. */
async function scene(stack: AsyncDisposableStack, over: Partial<ImageStore> = {}) {
	const dir = stack.use(await temporaryDir());
	const folder = join(dir.path, 'images');
	await mkdir(folder);
	const catalogue = stack.use(await testCatalogue('centre'));
	const driver = stack.use(await openFilesystem({ folders: [{ path: folder, priority: 0 }] }));
	const stores = testStores([{ ...testStore('old', driver), ...over }, testStore('mute', stack.use(await openMemory()))]);
	const sources = lateSources();
	const opened = stack.use(await openContent({ sources, limits: { sourceWaitMs: 50 } }));
	const origins = stack.use(createOrigins({ catalogue, stores, log: silentLog }));
	sources.connect(origins);
	const data = readingOrigins(opened.store, { origins, hasHolders: async () => false, log: silentLog });
	const notes = memoryKeyValue();
	const objects = createImageObjects({ kv: notes, content: data });
	const site = await testSite({ catalogue, data, stores, objects });
	const parts = { catalogue, data, stores, objects };
	const adopter = testAdopter(parts);
	return {
		...{ folder, catalogue, objects, stores, site, opened, notes, adopter },
		async file(bytes: Uint8Array, id: string = randomUUID()) {
			await writeFile(join(folder, id), bytes);
			return id;
		},
		queued: async (draft: ImageDraft) => (await database(catalogue).add({ id: randomUUID(), ...draft })).id,
		async adopt(
			wish: AdoptionWish = WISH,
			signal?: AbortSignal,
			watch: (step: AdoptionStep) => unknown = () => {},
			others?: Partial<AdoptionParts>,
		) {
			const steps = new Map<string, AdoptionStep>();
			const ctx = administrator(signal && { signal });
			const acting = others === undefined ? adopter : testAdopter({ ...parts, ...others });
			await acting.adopt(ctx, 'old', wish, async (step) => {
				watch(step);
				if (step.step !== 'reading') steps.set(step.id, step);
			});
			return steps;
		},
	};
}

const reasonOf = (step: AdoptionStep | undefined) => (step?.step === 'skipped' ? step.reason : step?.step);

describe('adoption', () => {
	it('makes images of files where they are: read once, verified, let go by a delete', async () => {
		await using stack = new AsyncDisposableStack();
		const { file, adopt, catalogue, site, opened, folder } = await scene(stack);
		const bytes = randomBytes(5 * MiB + 77);
		const id = await file(bytes);
		assert.deepEqual([...(await adopt()).values()], [{ id, step: 'adopted', size: bytes.length, format: 'raw' }]);
		const image = catalogue.image(id);
		assert.deepEqual(
			[image?.status, image?.name, image?.owner, image?.visibility, image?.diskFormat, image?.containerFormat],
			['active', null, 'project-a', 'private', 'raw', 'bare'],
		);
		assert.deepEqual([image?.size, image?.virtualSize], [bytes.length, bytes.length]);
		assert.equal(image?.hashValue, createHash('sha512').update(bytes).digest('hex'));
		assert.equal(image?.checksum, createHash('md5').update(bytes).digest('hex'));
		assert.deepEqual(
			image?.copies.map(({ store, kind }) => [store, kind]),
			[['old', 'backend']],
		);
		assert.equal(await diskBytes(opened.path), 0, 'no byte was copied');
		const download = await site.images.download(administrator(), id);
		const range = { start: 3 * MiB + 5, end: 4 * MiB + 9 };
		const part = await Array.fromAsync(download.read(range, { signal: administrator().signal }), (chunk) => Buffer.from(chunk));
		assert.ok(Buffer.concat(part).equals(bytes.subarray(range.start, range.end)));
		await site.images.remove(administrator(), id);
		assert.deepEqual(await readdir(folder), []);
		assert.equal(reasonOf((await adopt()).get(id)), undefined);
	});

	it('notes what it adopted: a delete at another node of the site takes it out here', async () => {
		await using stack = new AsyncDisposableStack();
		const { file, adopt, catalogue, objects, stores, folder } = await scene(stack);
		await using keeper = createObjectKeeper({ catalogue, objects, stores, isSeeded: () => false, log: silentLog });
		await keeper.start();
		const id = await file(randomBytes(10));
		await adopt();
		await catalogue.commit([{ type: 'image.delete', id }]);
		await eventually('the file to go', async () => (await readdir(folder)).length === 0 || undefined);
	});

	it('never gives bytes that have changed since', async () => {
		await using stack = new AsyncDisposableStack();
		const { file, adopt, site } = await scene(stack);
		const bytes = randomBytes(MiB);
		const id = await file(bytes);
		await adopt();
		await file(randomBytes(MiB), id);
		await assert.rejects(bytesOf(site.images, administrator(), id), (error) => codeOf(error) === 'unavailable');
	});

	it('says what a disk is by its bytes, and takes one with partitions for a raw one', async () => {
		await using stack = new AsyncDisposableStack();
		const { file, adopt, catalogue } = await scene(stack);
		const [cow, parted] = [await file(qcow2({ size: 7 * MiB })), await file(joined(gpt(), new Uint8Array(MiB)))];
		await adopt();
		assert.deepEqual([catalogue.image(cow)?.diskFormat, catalogue.image(cow)?.virtualSize], ['qcow2', 7 * MiB]);
		assert.deepEqual([catalogue.image(parted)?.diskFormat, catalogue.image(parted)?.virtualSize], ['raw', gpt().length + MiB]);
	});

	it('leaves what is dangerous, deleted, empty, unfinished or of another site, and says why', async () => {
		await using stack = new AsyncDisposableStack();
		const { file, adopt, catalogue, opened, notes, queued } = await scene(stack);
		const dangerous = await file(qed());
		// known only in the end
		const locked = await file(joined(luks(), randomBytes(MiB)));
		const gone = await queued({});
		await catalogue.commit([{ type: 'image.delete', id: gone }]);
		const unfinished = await queued({});
		await notes.write([{ put: `o/old/${unfinished}`, value: new Uint8Array(0) }], { sync: false });
		const saving = await queued({});
		await catalogue.commit([{ type: 'image.status', id: saving, status: 'saving' }]);
		for (const id of [gone, unfinished, saving]) await file(randomBytes(10), id);
		const empty = await file(new Uint8Array(0));
		const steps = await adopt();
		const reasons = [dangerous, locked, gone, unfinished, saving, empty].map((id) => reasonOf(steps.get(id)));
		assert.deepEqual(reasons, ['refused', 'refused', 'deleted', 'unfinished', 'busy', 'empty']);
		for (const id of [dangerous, locked, gone, empty]) assert.equal(catalogue.image(id), undefined);
		const { complete, partial } = await opened.store.usage();
		assert.deepEqual([complete, partial], [0, 0], 'nothing is kept of them');
		assert.deepEqual([...(await adopt()).values()].map(reasonOf).toSorted(), reasons.toSorted(), 'and again');
		const elsewhere = await queued({});
		await file(randomBytes(10), elsewhere);
		assert.equal(reasonOf((await adopt(WISH, undefined, undefined, { site: 'paris' })).get(elsewhere)), 'of another site');
	});

	it('gives nobody an image that nobody owns, unless it is public', async () => {
		await using stack = new AsyncDisposableStack();
		const { file, adopt, catalogue } = await scene(stack);
		const id = await file(randomBytes(10));
		assert.equal(reasonOf((await adopt({ visibility: 'shared', dryRun: false })).get(id)), 'no owner');
		assert.equal(catalogue.image(id), undefined);
		assert.equal(reasonOf((await adopt({ visibility: 'public', dryRun: false })).get(id)), 'adopted');
		assert.deepEqual([catalogue.image(id)?.owner, catalogue.image(id)?.visibility], [null, 'public']);
	});

	it('fills a record that an operator has made before, and keeps what it says', async () => {
		await using stack = new AsyncDisposableStack();
		const { file, adopt, queued, catalogue, site } = await scene(stack);
		const full = { name: 'a', owner: 'p', visibility: 'community', properties: { os_type: 'linux' } } as const;
		const bare = await queued(full);
		const declared = await queued({ ...full, diskFormat: 'ami', containerFormat: 'ami' });
		const bytes = qcow2();
		for (const id of [bare, declared]) await file(bytes, id);
		await adopt();
		const shown = [bare, declared].map((id) => {
			const { status, name, owner, visibility, properties, diskFormat, containerFormat } = catalogue.image(id) ?? {};
			return [status, name, owner, visibility, properties, diskFormat, containerFormat];
		});
		const kept = ['active', 'a', 'p', 'community', { os_type: 'linux' }];
		assert.deepEqual(shown, [
			[...kept, 'qcow2', 'bare'],
			[...kept, 'ami', 'ami'],
		]);
		assert.ok((await bytesOf(site.images, administrator(), bare))?.equals(Buffer.from(bytes)));
	});

	it('goes by the checks that the bytes of a record must pass anyway', async () => {
		await using stack = new AsyncDisposableStack();
		const parts = await scene(stack);
		const refused = await parts.queued({ diskFormat: 'raw', containerFormat: 'bare' });
		await parts.file(randomBytes(10), refused);
		const begin = async () => assert.fail(new ImageError('invalid', 'the signature is wrong'));
		const steps = await parts.adopt(WISH, undefined, undefined, { arrivals: { begin } });
		assert.equal(reasonOf(steps.get(refused)), 'not valid');
		assert.equal(parts.catalogue.image(refused)?.status, 'queued');
	});

	it('goes on where it was after an interruption, and reads nothing twice', async () => {
		await using stack = new AsyncDisposableStack();
		const { file, adopt, catalogue } = await scene(stack);
		const ids = await Promise.all(Array.from({ length: 6 }, () => file(randomBytes(1000))));
		const controller = new AbortController();
		let done = 0;
		const watch = () => ++done === 3 && controller.abort(new ImageError('aborted', 'the client has gone'));
		await assert.rejects(adopt(WISH, controller.signal, watch), (error) => codeOf(error) === 'aborted');
		const adopted = ids.filter((id) => catalogue.image(id)?.status === 'active');
		assert.equal(adopted.length, 3);
		assert.ok(ids.every((id) => catalogue.image(id)?.status !== 'saving'));
		const outcomes = [...(await adopt()).values()].map(reasonOf).toSorted();
		assert.deepEqual(outcomes, ['adopted', 'adopted', 'adopted', 'known', 'known', 'known']);
		assert.deepEqual(new Set([...(await adopt()).values()].map(reasonOf)), new Set(['known']));
	});

	it('ends when the store does not answer, and goes past one file that cannot be read', async () => {
		await using stack = new AsyncDisposableStack();
		let error = new ImageError('store-failed', 'no');
		const get: ImageStore['get'] = () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) });
		const { file, adopt } = await scene(stack, { get });
		const id = await file(randomBytes(10));
		assert.equal(reasonOf((await adopt()).get(id)), 'unreadable');
		error = new ImageError('unavailable', 'store old: it does not answer');
		await assert.rejects(adopt(), /does not answer/);
	});

	it('changes nothing in a dry run', async () => {
		await using stack = new AsyncDisposableStack();
		const { file, adopt, catalogue } = await scene(stack);
		const id = await file(randomBytes(10));
		assert.deepEqual([...(await adopt({ ...WISH, dryRun: true })).values()], [{ id, step: 'adopted', size: 10, format: null }]);
		assert.equal(catalogue.knows(id), false);
	});

	it('is refused for stores that are not there or cannot say what they hold, and while it runs', async () => {
		await using stack = new AsyncDisposableStack();
		const { file, adopt, adopter } = await scene(stack);
		await file(randomBytes(10));
		const begin = (store: string) => adopter.adopt(administrator(), store, WISH, async () => {});
		await assert.rejects(begin('none'), /there is no store none/);
		await assert.rejects(begin('mute'), /cannot say what it holds/);
		let second: Promise<void> | undefined;
		await adopt(WISH, undefined, () => {
			second = assert.rejects(begin('old'), (error) => codeOf(error) === 'conflict');
		});
		await (second ?? assert.fail('nothing was told'));
	});

	it('of an upload that finishes meanwhile leaves the upload alone', async () => {
		await using stack = new AsyncDisposableStack();
		const { adopt, queued, site, catalogue } = await scene(stack);
		const id = await queued({ diskFormat: 'raw', containerFormat: 'bare' });
		await site.images.upload(administrator(), id, uploadOf(randomBytes(1000), { store: 'old' }));
		assert.equal(reasonOf((await adopt()).get(id)), 'known');
		assert.equal(catalogue.image(id)?.status, 'active');
	});
});
