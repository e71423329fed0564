/** The domain controller's contract, over the whole onion and the real catalogue. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { codeOf, type ErrorCode, ImageError } from '#domain/errors.ts';
import type { ImageData } from '#domain/ports/image-data.ts';
import { recoverInterrupted } from '#domain/recovery.ts';
import { silentLog } from '#lib/log.ts';
import { createPropertyProtections } from '#policy/property-protections.ts';
import { heldUpload } from '../support/held-upload.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { administrator, bytesOf, caller, pieces, testCatalogue, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';

const BYTES = Buffer.from('the bytes of an image');
const ctx = caller();
const admin = administrator();

function refused(promise: Promise<unknown>, code: ErrorCode, text = /./): Promise<void> {
	return assert.rejects(promise, (error: Error) => {
		assert.equal(codeOf(error), code, error.message);
		assert.match(error.message, text);
		return true;
	});
}

describe('create', () => {
	it("gives Glance's defaults, and the caller's project as owner", async () => {
		const { images } = await testSite();
		const image = await images.create(ctx, {});
		assert.equal(image.status, 'queued');
		assert.equal(image.visibility, 'shared');
		assert.equal(image.owner, 'project-a');
		assert.deepEqual([image.size, image.content, image.checksum, image.tags, image.properties], [null, null, null, [], {}]);
	});
	it('an id is used once, also after its image was deleted', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, {});
		await refused(images.create(ctx, { id }), 'conflict');
		await images.remove(ctx, id);
		await refused(images.create(ctx, { id }), 'conflict');
	});
	it('two at once with one id: one is refused', async () => {
		const { images } = await testSite();
		const id = crypto.randomUUID();
		const results = await Promise.allSettled([images.create(ctx, { id }), images.create(ctx, { id })]);
		assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
	});
});

describe('upload', () => {
	it('gives a queued image its bytes, digests and a copy at this site', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		const image = await images.upload(ctx, id, uploadOf(BYTES));
		assert.equal(image.status, 'active');
		assert.equal(image.size, BYTES.length);
		assert.equal(image.hashAlgorithm, 'sha512');
		assert.deepEqual(
			image.copies.map(({ store, kind }) => [store, kind]),
			[['centre', 'site']],
		);
		assert.deepEqual(await bytesOf(images, ctx, id), BYTES);
	});
	it('needs both formats', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, { diskFormat: 'raw' });
		await refused(images.upload(ctx, id, uploadOf(BYTES)), 'invalid', /container_format/);
		assert.equal((await images.show(ctx, id)).status, 'queued');
	});
	it('a second upload is refused while the first is saving, and after it', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		const first = heldUpload(BYTES);
		const done = images.upload(ctx, id, first.upload);
		await first.started;
		assert.equal((await images.show(ctx, id)).status, 'saving');
		await refused(images.upload(ctx, id, uploadOf(Buffer.from('other'))), 'conflict');
		first.release();
		await done;
		await refused(images.upload(ctx, id, uploadOf(Buffer.from('other'))), 'conflict');
		assert.deepEqual(await bytesOf(images, ctx, id), BYTES);
	});
	it('of many at once one wins and its bytes are served', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		const bodies = Array.from({ length: 8 }, (_, n) => Buffer.from(`body ${n}`));
		const results = await Promise.allSettled(bodies.map((bytes) => images.upload(ctx, id, uploadOf(bytes))));
		const winners = bodies.filter((_, n) => results[n]?.status === 'fulfilled');
		assert.equal(winners.length, 1);
		for (const result of results) if (result.status === 'rejected') assert.equal(codeOf(result.reason), 'conflict');
		assert.deepEqual(await bytesOf(images, ctx, id), winners[0]);
	});
	it('a source that fails leaves the image queued, and it can be uploaded again', async () => {
		const data = memoryImageData();
		const { images } = await testSite({ data });
		const { id } = await images.create(ctx, UPLOADABLE);
		const broken = heldUpload(BYTES);
		const failing = images.upload(ctx, id, broken.upload);
		await broken.started;
		broken.fail(new ImageError('aborted', 'the client went'));
		await refused(failing, 'aborted');
		const queued = await images.show(ctx, id);
		assert.deepEqual([queued.status, queued.size, queued.content], ['queued', null, null]);
		assert.equal(data.contents.size, 0);
		assert.equal((await images.upload(ctx, id, uploadOf(BYTES))).status, 'active');
	});
	it('a declared size that is wrong is invalid, one beyond the limit is refused before a byte is read', async () => {
		const { images } = await testSite({ limits: { imageSizeCap: 30, imageProperties: 9, imageTags: 9, imageMembers: 9 } });
		const { id } = await images.create(ctx, UPLOADABLE);
		await refused(images.upload(ctx, id, uploadOf(BYTES, { declaredSize: BYTES.length + 1 })), 'invalid');
		await refused(images.upload(ctx, id, uploadOf(BYTES, { declaredSize: BYTES.length - 1 })), 'invalid');
		const untouched: AsyncIterable<Uint8Array> = {
			[Symbol.asyncIterator]: () => assert.fail('the body was read'),
		};
		await refused(images.upload(ctx, id, uploadOf(BYTES, { data: untouched, declaredSize: 31 })), 'too-large');
		await refused(images.upload(ctx, id, uploadOf(Buffer.alloc(31))), 'too-large');
		assert.equal((await images.show(ctx, id)).status, 'queued');
		assert.equal((await images.upload(ctx, id, uploadOf(BYTES, { declaredSize: BYTES.length }))).status, 'active');
	});
	it('an image deleted meanwhile is gone, and its bytes are dropped', async () => {
		const data = memoryImageData();
		const { images } = await testSite({ data });
		const { id } = await images.create(ctx, UPLOADABLE);
		const held = heldUpload(BYTES);
		const uploading = images.upload(ctx, id, held.upload);
		await held.started;
		await images.remove(ctx, id);
		held.release();
		await refused(uploading, 'gone');
		assert.equal(data.contents.size, 0);
		assert.equal(data.pinned.size, 0);
		await refused(images.show(ctx, id), 'not-found');
	});
	it('changes of the record during an upload are kept', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		const held = heldUpload(BYTES);
		const uploading = images.upload(ctx, id, held.upload);
		await held.started;
		await images.update(ctx, id, [{ set: { name: 'renamed' } }]);
		held.release();
		const image = await uploading;
		assert.deepEqual([image.status, image.name], ['active', 'renamed']);
	});
	it('a record that cannot be committed leaves no bytes and no pin behind', async () => {
		const data = memoryImageData();
		const catalogue = await testCatalogue('centre');
		let broken = true;
		const commit: typeof catalogue.commit = (ops, options) =>
			broken && ops.some(({ type }) => type === 'image.data')
				? Promise.reject(new ImageError('full', 'no space'))
				: catalogue.commit(ops, options);
		const { images } = await testSite({ data, catalogue: { ...catalogue, commit } });
		const { id } = await images.create(ctx, UPLOADABLE);
		await refused(images.upload(ctx, id, uploadOf(BYTES)), 'full');
		assert.deepEqual([data.contents.size, data.pinned.size], [0, 0]);
		broken = false;
		assert.equal((await images.upload(ctx, id, uploadOf(BYTES))).status, 'active');
	});
	it("what a crash left saving is queued at the next start, others' uploads are not touched", async () => {
		const { images, catalogue } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		await catalogue.commit([{ type: 'image.status', id, status: 'saving' }]);
		const { worker: node } = await images.show(ctx, id);
		assert.ok(node !== null && catalogue.nodes().some((record) => record.node === node));
		assert.deepEqual(await recoverInterrupted({ catalogue, site: 'elsewhere', node }), []);
		assert.deepEqual(await recoverInterrupted({ catalogue, site: 'centre', node: 'its neighbour' }), []);
		assert.deepEqual(await recoverInterrupted({ catalogue, site: 'centre', node }), [id]);
		assert.equal((await images.show(ctx, id)).status, 'queued');
	});
});

describe('download', () => {
	it('has nothing to give before there are data', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		assert.equal(await bytesOf(images, ctx, id), null);
	});
	it('gives ranges', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		await images.upload(ctx, id, uploadOf(BYTES));
		const { read } = await images.download(ctx, id);
		const chunks = await Array.fromAsync(read({ start: 4, end: 9 }, { signal: ctx.signal }));
		assert.equal(Buffer.concat(chunks).toString(), 'bytes');
	});
	it('of a deactivated image is for administrators', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		await images.upload(ctx, id, uploadOf(BYTES));
		await images.deactivate(ctx, id);
		await images.deactivate(ctx, id);
		await refused(images.download(ctx, id), 'forbidden');
		assert.deepEqual(await bytesOf(images, admin, id), BYTES);
		await images.reactivate(ctx, id);
		await images.reactivate(ctx, id);
		assert.deepEqual(await bytesOf(images, ctx, id), BYTES);
	});
	it('a queued image can be neither deactivated nor reactivated', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		await refused(images.deactivate(ctx, id), 'forbidden');
		await refused(images.reactivate(ctx, id), 'forbidden');
	});
});

describe('remove', () => {
	it('drops bytes that no other image has', async () => {
		const data = memoryImageData();
		const { images } = await testSite({ data });
		const [one, two] = [await images.create(ctx, UPLOADABLE), await images.create(ctx, UPLOADABLE)];
		await images.upload(ctx, one.id, uploadOf(BYTES));
		await images.upload(ctx, two.id, uploadOf(BYTES));
		assert.equal(data.contents.size, 1);
		await images.remove(ctx, one.id);
		assert.deepEqual(await bytesOf(images, ctx, two.id), BYTES);
		await images.remove(ctx, two.id);
		assert.equal(data.contents.size, 0);
	});
	it('spares a protected image', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, { protected: true });
		await refused(images.remove(ctx, id), 'forbidden', /protected/);
		await images.update(ctx, id, [{ set: { protected: false } }]);
		await images.remove(ctx, id);
	});
	it('a failure to drop bytes does not bring the image back', async () => {
		const data: ImageData = { ...memoryImageData(), forget: () => Promise.reject(new Error('disk')) };
		const { images } = await testSite({ data });
		const { id } = await images.create(ctx, UPLOADABLE);
		await images.upload(ctx, id, uploadOf(BYTES));
		await images.remove(ctx, id);
		await refused(images.show(ctx, id), 'not-found');
	});
});

describe('update', () => {
	it('applies all changes in order, or none', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, { properties: { a: '1' } });
		await refused(
			images.update(ctx, id, [{ set: { name: 'n' } }, { setProperty: 'missing', value: 'x', when: 'present' }]),
			'conflict',
		);
		assert.equal((await images.show(ctx, id)).name, null);
		const image = await images.update(ctx, id, [
			{ set: { name: 'n', minDisk: 2 } },
			{ setProperty: 'b', value: '2', when: 'absent' },
			{ dropProperty: 'a' },
			{ setTags: ['x', 'y', 'x'] },
			{ dropTag: 'x' },
		]);
		assert.deepEqual([image.name, image.minDisk, image.properties, image.tags], ['n', 2, { b: '2' }, ['y']]);
	});
	it('formats stay as they are once there are data', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		await images.update(ctx, id, [{ set: { diskFormat: 'qcow2' } }]);
		await images.upload(ctx, id, uploadOf(BYTES));
		await refused(images.update(ctx, id, [{ set: { diskFormat: 'raw' } }]), 'forbidden');
	});
	it('of parallel changes none is lost, however slow the disk', async () => {
		const kv = memoryKeyValue();
		const write: typeof kv.write = async (changes, options) => {
			await new Promise((resolve) => setTimeout(resolve, 4));
			return kv.write(changes, options);
		};
		const { images } = await testSite({ catalogue: await testCatalogue('centre', { ...kv, write }) });
		const { id } = await images.create(ctx, {});
		const names = Array.from({ length: 64 }, (_, n) => `p${n}`);
		await Promise.all(names.map((name) => images.update(ctx, id, [{ setProperty: name, value: name, when: 'always' }])));
		await Promise.all(names.map((name) => images.addTag(ctx, id, name)));
		const image = await images.show(ctx, id);
		assert.deepEqual(Object.keys(image.properties).toSorted(), names.toSorted());
		assert.deepEqual(image.tags.toSorted(), names.toSorted());
	});
	it("another site's image is refused by the name of its owner", async () => {
		const theirs = await testSite({ site: 'oslo' });
		const { id } = await theirs.images.create(ctx, UPLOADABLE);
		const { images, catalogue } = await testSite();
		await catalogue.feed.receive(await theirs.catalogue.feed.missing(new Map(), Number.MAX_SAFE_INTEGER));
		assert.equal((await images.show(ctx, id)).site, 'oslo');
		await refused(images.update(ctx, id, [{ set: { name: 'mine' } }]), 'forbidden', /oslo/);
		await refused(images.upload(ctx, id, uploadOf(BYTES)), 'forbidden', /oslo/);
		await refused(images.remove(ctx, id), 'forbidden', /oslo/);
	});
	it('only administrators give an image another owner', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, {});
		await refused(images.update(ctx, id, [{ set: { owner: 'project-b' } }]), 'forbidden');
		await images.update(admin, id, [{ set: { owner: 'project-b' } }]);
		await refused(images.show(ctx, id), 'not-found');
	});
});

describe('tags', () => {
	it('adding twice is once, dropping what is not there is not-found', async () => {
		const { images } = await testSite();
		const { id } = await images.create(ctx, {});
		await images.addTag(ctx, id, 'a');
		await images.addTag(ctx, id, 'a');
		assert.deepEqual((await images.show(ctx, id)).tags, ['a']);
		await images.dropTag(ctx, id, 'a');
		await refused(images.dropTag(ctx, id, 'a'), 'not-found');
	});
});

describe('quota', () => {
	const limits = { imageSizeCap: -1, imageProperties: 2, imageTags: 2, imageMembers: 2 };
	it('limits properties and tags when they are added', async () => {
		const { images } = await testSite({ limits });
		await refused(images.create(ctx, { tags: ['a', 'b', 'c'] }), 'limit-exceeded', /tags/);
		await refused(images.create(ctx, { properties: { a: '', b: '', c: '' } }), 'limit-exceeded', /properties/);
		const { id } = await images.create(ctx, { tags: ['a', 'b', 'a'], properties: { a: '', b: '' } });
		await refused(images.addTag(ctx, id, 'c'), 'limit-exceeded');
		await refused(images.update(ctx, id, [{ setTags: ['a', 'b', 'c'] }]), 'limit-exceeded');
		await refused(images.update(ctx, id, [{ setProperty: 'c', value: '', when: 'always' }]), 'limit-exceeded');
		await images.addTag(ctx, id, 'a');
		await images.update(ctx, id, [{ setProperty: 'a', value: 'other', when: 'always' }, { set: { name: 'n' } }]);
		await images.update(ctx, id, [{ dropProperty: 'a' }, { setProperty: 'c', value: '', when: 'always' }]).catch((error) => {
			assert.fail(`a swap within the limit was refused: ${error.message}`);
		});
	});
	it('lets nobody pass them by asking many times at once', async () => {
		const { images } = await testSite({ limits });
		const { id } = await images.create(ctx, {});
		const names = ['a', 'b', 'c', 'd', 'e'];
		const asked = names.flatMap((name) => [
			images.addTag(ctx, id, name),
			images.update(ctx, id, [{ setProperty: name, value: '', when: 'always' }]),
		]);
		const ends = await Promise.allSettled(asked);
		assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 4);
		const { tags, properties } = await images.show(ctx, id);
		assert.deepEqual([tags.length, Object.keys(properties).length], [2, 2]);
	});
});

describe('property protection', () => {
	const protections = createPropertyProtections([
		{ pattern: /^secret$/, allows: { create: ['admin'], read: ['admin'], update: ['admin'], delete: ['admin'] } },
		{ pattern: /./, allows: { create: ['@'], read: ['@'], update: ['@'], delete: ['@'] } },
	]);
	it('hides what may not be read and refuses what may not be touched', async () => {
		const { images } = await testSite({ protections });
		await refused(images.create(ctx, { properties: { secret: 'x' } }), 'forbidden');
		const { id } = await images.create(admin, { owner: 'project-a', properties: { secret: 'x', open: 'y' } });
		assert.deepEqual((await images.show(ctx, id)).properties, { open: 'y' });
		assert.deepEqual((await images.show(admin, id)).properties, { secret: 'x', open: 'y' });
		await refused(images.update(ctx, id, [{ setProperty: 'secret', value: 'z', when: 'always' }]), 'forbidden');
		await refused(images.update(ctx, id, [{ setProperty: 'secret', value: 'z', when: 'absent' }]), 'forbidden');
		assert.deepEqual((await images.update(ctx, id, [{ dropProperty: 'open' }])).properties, {});
	});
});

describe('a property that may not be read', () => {
	const sections = [
		{ pattern: /^write_only$/, allows: { create: ['@'], read: ['admin'], update: ['admin'], delete: ['@'] } },
		{ pattern: /^frozen$/, allows: { create: ['@'], read: ['@'], update: ['admin'], delete: ['admin'] } },
	];
	const withSecret = async () => {
		const { images } = await testSite({ protections: createPropertyProtections(sections) });
		const { id } = await images.create(admin, { owner: 'project-a', properties: { write_only: 'x', frozen: 'y' } });
		return { images, id };
	};
	it('is missing to replace and to remove', async () => {
		const { images, id } = await withSecret();
		await refused(
			images.update(ctx, id, [{ setProperty: 'write_only', value: 'z', when: 'present' }]),
			'conflict',
			/does not exist/,
		);
		await refused(images.update(ctx, id, [{ dropProperty: 'write_only' }]), 'conflict', /does not exist/);
		await refused(images.update(ctx, id, [{ dropProperty: 'never_was' }]), 'conflict', /does not exist/);
	});
	it('is created by who sets it, whatever is there, and stays unseen', async () => {
		const { images, id } = await withSecret();
		for (const when of ['absent', 'always'] as const) {
			const changed = await images.update(ctx, id, [{ setProperty: 'write_only', value: when, when }]);
			assert.deepEqual(changed.properties, { frozen: 'y' });
			assert.equal((await images.show(admin, id)).properties.write_only, when);
		}
	});
	it('is found by no list', async () => {
		const { images } = await withSecret();
		const owner = caller({ roles: ['admin', 'member', 'reader'], admin: true });
		const found = (who: typeof ctx, value: string) =>
			images.list(who, {
				filters: [{ field: 'property', name: 'write_only', value }],
				sort: [{ key: 'id', descending: false }],
				limit: 9,
				withCommunity: false,
			});
		assert.equal((await found(owner, 'x')).images.length, 1);
		assert.equal((await found(ctx, 'x')).images.length, 0);
	});
	it('does not keep others from being changed, and adding over what is there is changing it', async () => {
		const { images, id } = await withSecret();
		await refused(images.update(ctx, id, [{ setProperty: 'frozen', value: 'z', when: 'always' }]), 'forbidden');
		await refused(images.update(ctx, id, [{ setProperty: 'frozen', value: 'z', when: 'absent' }]), 'forbidden');
		assert.equal((await images.update(ctx, id, [{ set: { name: 'n' } }])).name, 'n');
		assert.equal((await images.show(admin, id)).properties.write_only, 'x');
	});
});

describe('events', () => {
	it("tell what happened, in Glance's names and order", async () => {
		const { images, events } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		await images.upload(ctx, id, uploadOf(BYTES));
		await bytesOf(images, ctx, id);
		await images.update(ctx, id, [{ set: { name: 'n' } }]);
		await images.remove(ctx, id);
		assert.deepEqual(
			events.map(({ type }) => type),
			['image.create', 'image.prepare', 'image.upload', 'image.activate', 'image.send', 'image.update', 'image.delete'],
		);
		const sent = events.find((event) => event.type === 'image.send');
		assert.deepEqual(
			[sent?.bytesSent, sent?.bytesExpected, sent?.receiverProject, sent?.priority],
			[21, 21, 'project-a', 'info'],
		);
	});
	it('what is refused does not happen', async () => {
		const { images, events } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		const reader = caller({ roles: ['reader'] });
		await refused(images.upload(reader, id, uploadOf(BYTES)), 'forbidden');
		await refused(images.remove(reader, id), 'forbidden');
		assert.deepEqual(
			events.map(({ type }) => type),
			['image.create'],
		);
	});
	it('a failed upload is an error, and so is a download that breaks off', async () => {
		const { images, events } = await testSite();
		const { id } = await images.create(ctx, UPLOADABLE);
		await refused(images.upload(ctx, id, uploadOf(BYTES, { declaredSize: 1 })), 'invalid');
		await images.upload(ctx, id, uploadOf(BYTES));
		const { read } = await images.download(ctx, id);
		for await (const _ of read({ start: 0, end: BYTES.length }, { signal: ctx.signal })) break;
		assert.deepEqual(
			events.filter(({ priority }) => priority === 'error').map(({ type }) => type),
			['image.upload.failed', 'image.send'],
		);
	});
});

describe('list', () => {
	it('shows own and public images, community only when asked, and ownerless ones as those of others', async () => {
		const { images } = await testSite();
		const draft = (name: string, owner: string | null, visibility: 'private' | 'public' | 'community' | 'shared') =>
			images.create(admin, { name, owner, visibility });
		await draft('own', 'project-a', 'private');
		await draft('own community', 'project-a', 'community');
		await draft('public', 'project-b', 'public');
		await draft('community', 'project-b', 'community');
		await draft('private', 'project-b', 'private');
		await draft('nobody', null, 'shared');
		const names = async (withCommunity: boolean, who = ctx) => {
			const sort = [{ key: 'name', descending: false } as const, { key: 'id', descending: false } as const];
			const page = await images.list(who, { filters: [], sort, limit: 100, withCommunity });
			return page.images.map(({ name }) => name);
		};
		assert.deepEqual(await names(false), ['own', 'own community', 'public']);
		assert.deepEqual(await names(true), ['community', 'own', 'own community', 'public']);
		assert.deepEqual(await names(true, admin), ['community', 'nobody', 'own', 'own community', 'private', 'public']);
	});
	it('a viewer that a door brings along is not believed', async () => {
		const { images } = await testSite();
		await images.create(admin, { owner: 'project-b', visibility: 'shared' });
		const query = { filters: [], sort: [{ key: 'id', descending: false } as const], limit: 9, withCommunity: true };
		const page = await images.list(ctx, { ...query, viewer: { project: null, admin: true } });
		assert.deepEqual(page.images, []);
	});
});

it('pieces of an upload may be of any size', async () => {
	const { images } = await testSite({ log: silentLog });
	const { id } = await images.create(ctx, UPLOADABLE);
	await images.upload(ctx, id, uploadOf(BYTES, { data: pieces(BYTES, 1) }));
	assert.deepEqual(await bytesOf(images, ctx, id), BYTES);
});
