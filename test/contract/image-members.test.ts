/** Sharing, over the whole onion and the real catalogue, at one site and between two. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeOf, type ErrorCode } from '#domain/errors.ts';
import type { MemberEvent } from '#domain/events.ts';
import type { ImageQuery } from '#domain/query.ts';
import { notificationOf } from '#notifier/payload.ts';
import { administrator, bytesOf, caller, type TestSite, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';

const owner = caller();
const friend = caller({ project: 'project-b' });
const stranger = caller({ project: 'project-c' });
const admin = administrator();

function refused(promise: Promise<unknown>, code: ErrorCode, text = /./): Promise<void> {
	return assert.rejects(promise, (error: Error) => {
		assert.equal(codeOf(error), code, error.message);
		assert.match(error.message, text);
		return true;
	});
}

const everything: ImageQuery = {
	filters: [],
	sort: [
		{ key: 'createdAt', descending: true },
		{ key: 'id', descending: true },
	],
	limit: 100,
	withCommunity: false,
};

async function listed({ images }: TestSite, ctx = friend, query: Partial<ImageQuery> = {}): Promise<readonly string[]> {
	return (await images.list(ctx, { ...everything, ...query })).images.map(({ id }) => id);
}

/** A shared image of project-a with project-b as a member. */
async function shared(site: TestSite): Promise<string> {
	const { id } = await site.images.create(owner, UPLOADABLE);
	await site.images.addMember(owner, id, 'project-b');
	return id;
}

describe('members', () => {
	it('a new one is pending, is seen by both sides, and does not change the image', async () => {
		const { images } = await testSite();
		const before = await images.create(owner, {});
		const member = await images.addMember(owner, before.id, 'project-b');
		assert.equal(member.status, 'pending');
		assert.equal(member.createdAt, member.updatedAt);
		for (const ctx of [owner, friend, admin]) {
			assert.deepEqual(await images.listMembers(ctx, before.id), [member]);
			assert.deepEqual(await images.showMember(ctx, before.id, 'project-b'), member);
		}
		assert.equal((await images.show(owner, before.id)).updatedAt, before.updatedAt);
	});
	it('are listed in the order in which they came', async () => {
		const { images } = await testSite();
		const { id } = await images.create(owner, {});
		for (const name of ['z', 'y', 'project-b', 'a']) await images.addMember(owner, id, name);
		const rows = await images.listMembers(owner, id);
		const byCreation = rows.toSorted((a, b) => a.createdAt - b.createdAt || (a.member < b.member ? -1 : 1));
		assert.deepEqual(rows, byCreation);
		assert.equal(rows.length, 4);
	});
	it('know of themselves alone', async () => {
		const { images } = await testSite();
		const { id } = await images.create(owner, {});
		for (const name of ['project-b', 'project-c']) await images.addMember(owner, id, name);
		assert.deepEqual(
			(await images.listMembers(friend, id)).map(({ member }) => member),
			['project-b'],
		);
		for (const name of ['project-c', 'nobody']) {
			await refused(images.showMember(friend, id, name), 'not-found', /is not a member/);
			await refused(images.updateMember(friend, id, name, 'accepted'), 'not-found', /is not a member/);
			await refused(images.removeMember(friend, id, name), 'not-found', /is not a member/);
		}
	});
	it('a project is a member once, and one that was removed begins anew', async () => {
		const site = await testSite();
		const id = await shared(site);
		await refused(site.images.addMember(owner, id, 'project-b'), 'conflict', /already a member/);
		await site.images.updateMember(friend, id, 'project-b', 'accepted');
		await site.images.removeMember(owner, id, 'project-b');
		await refused(site.images.show(friend, id), 'not-found');
		await refused(site.images.removeMember(owner, id, 'project-b'), 'not-found');
		assert.equal((await site.images.addMember(owner, id, 'project-b')).status, 'pending');
	});
	it("may be the owner's own project, as with Glance", async () => {
		const { images } = await testSite();
		const { id } = await images.create(owner, {});
		assert.equal((await images.addMember(owner, id, 'project-a')).status, 'pending');
		await refused(images.updateMember(owner, id, 'project-a', 'accepted'), 'forbidden');
	});
	it('answer for themselves, any number of times; the owner never does, an administrator may', async () => {
		const site = await testSite();
		const id = await shared(site);
		for (const status of ['accepted', 'rejected', 'pending', 'accepted', 'accepted'] as const)
			assert.equal((await site.images.updateMember(friend, id, 'project-b', status)).status, status);
		await refused(site.images.updateMember(owner, id, 'project-b', 'rejected'), 'forbidden');
		await refused(site.images.updateMember(owner, id, 'nobody', 'rejected'), 'not-found');
		assert.equal((await site.images.updateMember(admin, id, 'project-b', 'rejected')).status, 'rejected');
	});
	it('can neither share on, nor leave, nor change the image', async () => {
		const site = await testSite();
		const id = await shared(site);
		await refused(site.images.addMember(friend, id, 'project-c'), 'forbidden');
		await refused(site.images.removeMember(friend, id, 'project-b'), 'forbidden');
		await refused(site.images.update(friend, id, [{ set: { name: 'mine' } }]), 'forbidden');
		await refused(site.images.remove(friend, id), 'forbidden');
	});
	it('of any status show and download', async () => {
		const site = await testSite();
		const id = await shared(site);
		await site.images.upload(owner, id, uploadOf(Buffer.from('bytes')));
		for (const status of ['pending', 'rejected', 'accepted'] as const) {
			await site.images.updateMember(friend, id, 'project-b', status);
			assert.equal((await site.images.show(friend, id)).id, id);
			assert.equal((await bytesOf(site.images, friend, id))?.toString(), 'bytes');
		}
		await refused(site.images.show(stranger, id), 'not-found');
		await refused(site.images.listMembers(stranger, id), 'not-found', /no image found/);
		await refused(site.images.showMember(stranger, id, 'project-b'), 'not-found', /no image found/);
	});
	it('outlive a change of visibility, without effect until the image is shared again', async () => {
		const site = await testSite();
		const { images } = site;
		const id = await shared(site);
		await images.updateMember(friend, id, 'project-b', 'accepted');
		for (const visibility of ['private', 'community'] as const) {
			await images.update(owner, id, [{ set: { visibility } }]);
			for (const ctx of [owner, admin]) {
				await refused(images.listMembers(ctx, id), 'forbidden', /only shared images/);
				await refused(images.addMember(ctx, id, 'project-c'), 'forbidden', /only shared images/);
				await refused(images.updateMember(ctx, id, 'project-b', 'rejected'), 'forbidden', /only shared images/);
				await refused(images.removeMember(ctx, id, 'project-b'), 'forbidden', /only shared images/);
				await refused(images.showMember(ctx, id, 'project-b'), 'not-found');
			}
			assert.deepEqual(await listed(site), []);
		}
		await refused(images.listMembers(friend, id), 'forbidden', /only shared images/);
		await images.update(owner, id, [{ set: { visibility: 'private' } }]);
		await refused(images.show(friend, id), 'not-found');
		await images.update(owner, id, [{ set: { visibility: 'shared' } }]);
		assert.equal((await images.showMember(friend, id, 'project-b')).status, 'accepted');
		assert.deepEqual(await listed(site), [id]);
	});
	it('go with their image', async () => {
		const site = await testSite();
		const id = await shared(site);
		await site.images.remove(owner, id);
		await refused(site.images.listMembers(owner, id), 'not-found');
		assert.deepEqual(await listed(site, friend, { memberStatus: 'all' }), []);
	});
	it('are told of', async () => {
		const site = await testSite();
		const id = await shared(site);
		await site.images.updateMember(friend, id, 'project-b', 'accepted');
		await site.images.removeMember(owner, id, 'project-b');
		await refused(site.images.removeMember(owner, id, 'project-b'), 'not-found');
		const events = site.events.filter((event): event is typeof event & MemberEvent => event.type.startsWith('image.member.'));
		assert.deepEqual(
			events.map(({ type, imageId, member, project }) => [type, imageId, member.member, member.status, project]),
			[
				['image.member.create', id, 'project-b', 'pending', 'project-a'],
				['image.member.update', id, 'project-b', 'accepted', 'project-b'],
				['image.member.delete', id, 'project-b', 'accepted', 'project-a'],
			],
		);
		const { payload } = notificationOf(events[2] ?? assert.fail(), 'image.test');
		assert.deepEqual(
			Object.keys(payload).toSorted().join(' '),
			'created_at deleted deleted_at image_id member_id status updated_at',
		);
		assert.partialDeepStrictEqual(payload, { deleted: true, member_id: 'project-b', image_id: id });
	});
});

describe('lists', () => {
	it("bring others' shared images by the status asked for, accepted when none is", async () => {
		const site = await testSite();
		const byStatus = new Map<string, string>();
		for (const status of ['pending', 'accepted', 'rejected'] as const) {
			const id = await shared(site);
			await site.images.updateMember(friend, id, 'project-b', status);
			byStatus.set(status, id);
			assert.deepEqual(await listed(site, friend, { memberStatus: status }), [id]);
		}
		assert.deepEqual(await listed(site), [byStatus.get('accepted')]);
		const all = [...byStatus.values()].toSorted();
		assert.deepEqual((await listed(site, friend, { memberStatus: 'all' })).toSorted(), all);
		for (const ctx of [owner, admin]) assert.deepEqual((await listed(site, ctx)).toSorted(), all);
		assert.deepEqual(await listed(site, stranger, { memberStatus: 'all' }), []);
	});
	it('filters apply to them: visibility, owner, tags', async () => {
		const site = await testSite();
		const id = await shared(site);
		await site.images.addTag(owner, id, 'some');
		await site.images.updateMember(friend, id, 'project-b', 'accepted');
		const own = (await site.images.create(friend, { visibility: 'private' })).id;
		const filtered = (...filters: ImageQuery['filters']) => listed(site, friend, { filters });
		assert.deepEqual(await filtered({ field: 'visibility', is: 'shared' }), [id]);
		assert.deepEqual(await filtered({ field: 'visibility', is: 'private' }), [own]);
		assert.deepEqual(await filtered({ field: 'owner', oneOf: ['project-a'] }), [id]);
		assert.deepEqual(await filtered({ field: 'owner', oneOf: ['project-b'] }), [own]);
		assert.deepEqual(await filtered({ field: 'tag', value: 'some' }), [id]);
		assert.deepEqual(await filtered({ field: 'tag', value: 'other' }), []);
	});
	it('a membership that ends between two pages ends the list there', async () => {
		const site = await testSite();
		const ids = await Promise.all(Array.from({ length: 9 }, () => shared(site)));
		for (const id of ids) await site.images.updateMember(friend, id, 'project-b', 'accepted');
		const order = await listed(site);
		const page = await site.images.list(friend, { ...everything, limit: 3 });
		const marker = page.images.at(-1)?.id ?? assert.fail();
		for (const id of order.slice(3, 6)) await site.images.removeMember(owner, id, 'project-b');
		assert.deepEqual(await listed(site, friend, { marker }), order.slice(6));
		await site.images.removeMember(owner, marker, 'project-b');
		await refused(listed(site, friend, { marker }), 'invalid', /marker/);
	});
	it('changes while a page is read lose no image that stays', async () => {
		const site = await testSite();
		const ids = await Promise.all(Array.from({ length: 40 }, () => shared(site)));
		for (const id of ids) await site.images.updateMember(friend, id, 'project-b', 'accepted');
		const [order, leaving] = [await listed(site), new Set(ids.filter((_, n) => n % 3 === 0))];
		const removals = [...leaving].map((id) => site.images.removeMember(owner, id, 'project-b'));
		const during = await Promise.all([listed(site), listed(site), listed(site)]);
		await Promise.all(removals);
		const staying = order.filter((id) => !leaving.has(id));
		for (const page of during)
			assert.deepEqual(
				page.filter((id) => !leaving.has(id)),
				staying,
			);
		assert.deepEqual(await listed(site), staying);
	});
});

describe('quota of members', () => {
	const limits = { imageSizeCap: -1, imageProperties: -1, imageTags: -1, imageMembers: 40 };

	it('64 at once: as many as there is room for, none of them lost', async () => {
		const site = await testSite({ limits });
		const { id } = await site.images.create(owner, {});
		const names = Array.from({ length: 64 }, (_, n) => `project-${n}`);
		const results = await Promise.allSettled(names.map((name) => site.images.addMember(owner, id, name)));
		const added = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value.member);
		assert.equal(added.length, 40);
		for (const result of results)
			if (result.status === 'rejected') assert.equal(codeOf(result.reason), 'limit-exceeded', String(result.reason));
		const rows = await site.images.listMembers(owner, id);
		assert.deepEqual(rows.map(({ member }) => member).toSorted(), added.toSorted());
	});
	it('a project that is a member already is told that, full or not, and a removal makes room', async () => {
		const { images } = await testSite({ limits: { ...limits, imageMembers: 1 } });
		const { id } = await images.create(owner, {});
		await images.addMember(owner, id, 'project-b');
		await refused(images.addMember(owner, id, 'project-b'), 'conflict');
		await refused(images.addMember(owner, id, 'project-c'), 'limit-exceeded', /members: attempted 2, maximum 1/);
		await images.removeMember(owner, id, 'project-b');
		await images.addMember(owner, id, 'project-c');
	});
	it('answers and removals at once with other changes are all kept', async () => {
		const site = await testSite();
		const { images } = site;
		const { id } = await images.create(owner, {});
		const names = Array.from({ length: 24 }, (_, n) => `p${n}`);
		for (const name of names) await images.addMember(owner, id, name);
		await Promise.all(
			names.flatMap((name, n) => [
				n % 2 === 0 ? images.updateMember(caller({ project: name }), id, name, 'accepted') : images.removeMember(owner, id, name),
				images.addTag(owner, id, name),
			]),
		);
		const rows = await images.listMembers(owner, id);
		assert.deepEqual(
			rows.map(({ member, status }) => `${member} ${status}`).toSorted(),
			names
				.filter((_, n) => n % 2 === 0)
				.map((name) => `${name} accepted`)
				.toSorted(),
		);
		assert.equal((await images.show(owner, id)).tags.length, 24);
	});
});

describe('members between sites', () => {
	/** Both hear all that the other has written. */
	async function meet(a: TestSite, b: TestSite): Promise<void> {
		await b.catalogue.feed.receive(await a.catalogue.feed.missing(b.catalogue.feed.vector(), Number.MAX_SAFE_INTEGER));
		await a.catalogue.feed.receive(await b.catalogue.feed.missing(a.catalogue.feed.vector(), Number.MAX_SAFE_INTEGER));
	}
	async function twoSites() {
		const [paris, oslo] = [await testSite({ site: 'paris' }), await testSite({ site: 'oslo' })];
		const id = await shared(paris);
		await meet(paris, oslo);
		return { paris, oslo, id };
	}

	it('the receiving project accepts at its own site, and the owner learns of it', async () => {
		const { paris, oslo, id } = await twoSites();
		assert.deepEqual(await listed(oslo), []);
		assert.equal((await oslo.images.updateMember(friend, id, 'project-b', 'accepted')).status, 'accepted');
		assert.deepEqual(await listed(oslo), [id]);
		await meet(oslo, paris);
		assert.equal((await paris.images.showMember(owner, id, 'project-b')).status, 'accepted');
		assert.deepEqual(await listed(paris), [id]);
	});
	it('only the site that owns the image adds and removes, and others say which one that is', async () => {
		const { paris, oslo, id } = await twoSites();
		await refused(oslo.images.addMember(owner, id, 'project-c'), 'forbidden', /belongs to site paris/);
		await refused(oslo.images.removeMember(owner, id, 'project-b'), 'forbidden', /belongs to site paris/);
		await refused(oslo.images.updateMember(owner, id, 'project-b', 'accepted'), 'forbidden', /not authorized/);
		await paris.images.removeMember(owner, id, 'project-b');
		await meet(paris, oslo);
		await refused(oslo.images.show(friend, id), 'not-found');
	});
	it('a removal and an acceptance that did not know of each other end alike at both sites', async () => {
		const { paris, oslo, id } = await twoSites();
		await oslo.images.updateMember(friend, id, 'project-b', 'accepted');
		await paris.images.removeMember(owner, id, 'project-b');
		await paris.images.update(owner, id, [{ set: { name: 'later' } }]);
		await meet(paris, oslo);
		for (const site of [paris, oslo]) {
			assert.deepEqual(await site.images.listMembers(owner, id), []);
			assert.deepEqual(await listed(site, friend, { memberStatus: 'all' }), []);
		}
		await paris.images.addMember(owner, id, 'project-b');
		await meet(paris, oslo);
		assert.equal((await oslo.images.showMember(friend, id, 'project-b')).status, 'pending');
	});
	it('answers from two sites are one at both: the later', async () => {
		const { paris, oslo, id } = await twoSites();
		await paris.images.updateMember(friend, id, 'project-b', 'rejected');
		await oslo.images.updateMember(friend, id, 'project-b', 'accepted');
		await meet(oslo, paris);
		assert.deepEqual(await oslo.images.listMembers(owner, id), await paris.images.listMembers(owner, id));
	});
});
