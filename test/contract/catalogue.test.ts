/** The catalogue's contract, over every key-value store. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type LocalCatalogue, openCatalogue } from '#catalogue/catalogue.ts';
import { openLevel } from '#catalogue/level/key-value.ts';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { codeOf, type ErrorCode, ImageError } from '#domain/errors.ts';
import type { Op } from '#domain/ops.ts';
import type { CatalogueChange } from '#domain/ports/catalogue.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { silentLog } from '#lib/log.ts';
import { activeImage, createOp, dataOp, imageId, type LogWriter, logTrust, logWriter, rootOf } from '../support/fleet-of-logs.ts';

const SUBJECTS: Readonly<Record<string, (dir: string) => Promise<KeyValue>>> = {
	memory: async () => memoryKeyValue(),
	level: (dir) => openLevel(join(dir, 'db')),
};

const START = Date.UTC(2026, 0, 1);

interface World {
	readonly kv: KeyValue;
	readonly self: LogWriter;
	readonly catalogue: LocalCatalogue;
	/** sets the wall clock */
	at(ms: number): void;
	/** closes the catalogue and opens another over the same store */
	reopen(): Promise<LocalCatalogue>;
}

const rejectsWith = (promise: Promise<unknown>, code: ErrorCode, text = /./) =>
	assert.rejects(promise, (error: Error) => {
		assert.equal(codeOf(error), code, error.message);
		assert.match(error.message, text);
		return true;
	});

const id = imageId(1);
const add = (member: string): Op => ({ type: 'member.add', id, member });

/** Another node's catalogue, in memory: a source of entries. */
async function peer(site: string, ops: readonly Op[], clock: () => number = () => START): Promise<LocalCatalogue> {
	const writer = logWriter(site);
	const catalogue = await openCatalogue({
		kv: memoryKeyValue(),
		signer: writer.signer,
		trust: logTrust,
		clock,
		log: silentLog,
	});
	await catalogue.commit([writer.announce, ...ops]);
	return catalogue;
}

const entriesOf = (catalogue: LocalCatalogue) => catalogue.feed.missing(new Map(), Number.MAX_SAFE_INTEGER);

for (const [name, open] of Object.entries(SUBJECTS)) {
	describe(`catalogue: ${name}`, () => {
		async function withWorld(use: (world: World) => Promise<void>): Promise<void> {
			const dir = await mkdtemp(join(tmpdir(), 'sundog-catalogue-'));
			const kv = await open(dir);
			const self = logWriter('centre');
			let now = START;
			const openOne = () => openCatalogue({ kv, signer: self.signer, trust: logTrust, clock: () => now, log: silentLog });
			let current = await openOne();
			await current.commit([self.announce]);
			const first = current;
			try {
				await use({
					kv,
					self,
					catalogue: first,
					at: (ms) => {
						now = ms;
					},
					async reopen() {
						await current[Symbol.asyncDispose]();
						current = await openOne();
						return current;
					},
				});
			} finally {
				await current[Symbol.asyncDispose]();
				await kv.close();
				await rm(dir, { recursive: true, force: true });
			}
		}

		it('shows a created image with its defaults, its site and its times', () =>
			withWorld(async ({ catalogue, at }) => {
				at(START + 5);
				await catalogue.commit([createOp(id, { name: 'debian', tags: ['b', 'a', 'b'], properties: { os: 'linux' } })]);
				assert.deepEqual(catalogue.image(id), {
					id,
					name: 'debian',
					status: 'queued',
					visibility: 'shared',
					owner: 'project-a',
					protected: false,
					hidden: false,
					minDisk: 0,
					minRam: 0,
					diskFormat: null,
					containerFormat: null,
					tags: ['b', 'a'],
					properties: { os: 'linux' },
					size: null,
					virtualSize: null,
					checksum: null,
					hashAlgorithm: null,
					hashValue: null,
					createdAt: START + 5,
					updatedAt: START + 5,
					content: null,
					staged: null,
					locations: [],
					worker: null,
					site: 'centre',
					copies: [],
					members: [],
					revision: 1,
				});
			}));

		it('says which node an import that holds an image runs on', () =>
			withWorld(async ({ catalogue }) => {
				await catalogue.commit(activeImage(id, {}, 7));
				const worker = () => catalogue.image(id)?.worker;
				assert.equal(worker(), null);
				await catalogue.commit([{ type: 'image.update', id, setProperties: { os_glance_import_task: 'one' } }]);
				const held = worker();
				assert.ok(catalogue.nodes().some(({ node, self }) => self && node === held));
				await catalogue.commit([{ type: 'image.status', id, status: 'deactivated' }]);
				assert.equal(worker(), held);
				await catalogue.commit([{ type: 'image.update', id, dropProperties: ['os_glance_import_task'] }]);
				assert.equal(worker(), null);
			}));

		it('takes an image through its life, and never gives its id again', () =>
			withWorld(async ({ catalogue, at }) => {
				assert.equal(catalogue.knows(id), false);
				await catalogue.commit(activeImage(id, {}, 7));
				at(START + 1000);
				await catalogue.commit([{ type: 'image.update', id, set: { name: 'x' }, setProperties: { a: '1' }, addTags: ['t'] }]);
				const image = catalogue.image(id);
				assert.equal(image?.status, 'active');
				assert.equal(image.size, 7000);
				assert.equal(image.content?.root, rootOf(7));
				assert.equal(image.updatedAt, START + 1000);
				assert.equal(image.createdAt, START);
				assert.deepEqual(
					(await catalogue.imagesOf(rootOf(7))).map((found) => found.id),
					[id],
				);
				await catalogue.commit([{ type: 'image.delete', id }]);
				assert.equal(catalogue.image(id), undefined);
				assert.equal(catalogue.knows(id), true);
				assert.deepEqual(await catalogue.imagesOf(rootOf(7)), []);
				await rejectsWith(catalogue.commit([createOp(id)]), 'conflict', /in use/);
				await rejectsWith(catalogue.commit([{ type: 'image.update', id }]), 'not-found');
			}));

		it('updates properties and tags key by key', () =>
			withWorld(async ({ catalogue }) => {
				await catalogue.commit([createOp(id, { tags: ['a', 'b'], properties: { x: '1', y: '2' } })]);
				await catalogue.commit([
					{ type: 'image.update', id, setProperties: { y: '3', z: '4' }, dropProperties: ['x'], addTags: ['c'], dropTags: ['a'] },
				]);
				assert.deepEqual(catalogue.image(id)?.properties, { y: '3', z: '4' });
				assert.deepEqual(catalogue.image(id)?.tags, ['b', 'c']);
			}));

		it('compares revisions just before the write', () =>
			withWorld(async ({ catalogue }) => {
				await catalogue.commit([createOp(id)]);
				const revision = catalogue.image(id)?.revision ?? 0;
				const rename = (to: string): Op => ({ type: 'image.update', id, set: { name: to } });
				const both = await Promise.allSettled(
					['first', 'second'].map((to) => catalogue.commit([rename(to)], { expected: new Map([[id, revision]]) })),
				);
				assert.deepEqual(
					both.map((result) => result.status),
					['fulfilled', 'rejected'],
				);
				assert.equal(codeOf((both[1] as PromiseRejectedResult).reason), 'conflict');
				assert.equal(catalogue.image(id)?.name, 'first');
				await rejectsWith(catalogue.commit([], { expected: new Map([[imageId(9), 1]]) }), 'conflict');
			}));

		it('lets two uploads race for one image, and one of them win', () =>
			withWorld(async ({ catalogue }) => {
				await catalogue.commit([createOp(id)]);
				const saving: Op = { type: 'image.status', id, status: 'saving' };
				const both = await Promise.allSettled([catalogue.commit([saving]), catalogue.commit([saving])]);
				assert.deepEqual(both.map((result) => result.status).sort(), ['fulfilled', 'rejected']);
			}));

		it('knows what images cost their owners, also after a restart', () =>
			withWorld(async ({ catalogue, reopen }) => {
				const idle = { images: 0, queued: 0, uploading: 0, bytes: 0, stagedBytes: 0 };
				assert.deepEqual(catalogue.usage('a'), idle);
				await catalogue.commit([...activeImage(imageId(1), { owner: 'a' }, 3), ...activeImage(imageId(2), { owner: null }, 2)]);
				await catalogue.commit([2, 3, 4].map((n) => createOp(imageId(n + 1), { owner: 'a' })));
				await catalogue.commit([{ type: 'image.status', id: imageId(3), status: 'saving' }]);
				const before = catalogue.usage('a');
				assert.deepEqual(before, { images: 4, queued: 2, uploading: 1, bytes: 3000, stagedBytes: 0 });
				assert.deepEqual(catalogue.usage(null), { ...idle, images: 1, bytes: 2000 });
				assert.equal(catalogue.usage('a'), before);
				await catalogue.commit([{ type: 'image.update', id: imageId(1), set: { name: 'x' } }]);
				assert.equal(catalogue.usage('a'), before, 'a name costs nothing');
				await catalogue.commit([{ type: 'copy.add', id: imageId(1), store: 'another', kind: 'backend' }]);
				assert.equal(catalogue.usage('a'), before, 'nor does another copy');
				await catalogue.commit([{ type: 'image.update', id: imageId(1), set: { owner: 'b' } }]);
				assert.equal(catalogue.usage('a').bytes, 0);
				assert.deepEqual(catalogue.usage('b'), { ...idle, images: 1, bytes: 3000 });
				await catalogue.commit([2, 3, 4].map((n): Op => ({ type: 'image.delete', id: imageId(n + 1) })));
				const again = await reopen();
				assert.deepEqual(again.usage('a'), idle);
				assert.deepEqual(again.usage('b'), { ...idle, images: 1, bytes: 3000 });
			}));

		it('never lets a commit be seen in part while it is written', () =>
			withWorld(async ({ catalogue }) => {
				let writing = true;
				const torn: number[] = [];
				const watching = (async () => {
					for (; writing; await new Promise(setImmediate)) {
						const seen = Array.from({ length: 50 }, (_, n) => catalogue.image(imageId(n))).filter(Boolean).length;
						if (seen !== catalogue.usage('project-a').images) torn.push(seen);
					}
				})();
				for (let n = 0; n < 50; n += 5)
					await catalogue.commit(Array.from({ length: 5 }, (_, more) => createOp(imageId(n + more))));
				writing = false;
				await watching;
				assert.deepEqual(torn, []);
			}));

		it('writes all ops of a commit or none', () =>
			withWorld(async ({ catalogue, self }) => {
				const before = catalogue.feed.vector().get(self.log);
				await rejectsWith(catalogue.commit([createOp(id), createOp(imageId(2)), createOp(id)]), 'conflict');
				assert.equal(catalogue.knows(id), false);
				assert.equal(catalogue.knows(imageId(2)), false);
				assert.equal(catalogue.feed.vector().get(self.log), before);
			}));

		it('shares durable writes between concurrent commits without mixing them up', () =>
			withWorld(async ({ catalogue, self }) => {
				const commits = Array.from({ length: 200 }, (_, n) =>
					n % 10 === 9
						? catalogue.commit([createOp(imageId(n)), createOp(imageId(0))])
						: catalogue.commit([createOp(imageId(n))]),
				);
				const results = await Promise.allSettled(commits);
				for (const [n, result] of results.entries()) {
					assert.equal(result.status, n % 10 === 9 ? 'rejected' : 'fulfilled');
					assert.equal(catalogue.knows(imageId(n)), n % 10 !== 9);
				}
				assert.equal(catalogue.feed.vector().get(self.log), 181);
			}));

		it('refuses what the status table refuses, and data twice', () =>
			withWorld(async ({ catalogue }) => {
				await catalogue.commit([createOp(id)]);
				await rejectsWith(
					catalogue.commit([{ type: 'image.status', id, status: 'deactivated' }]),
					'conflict',
					/queued to deactivated/,
				);
				await rejectsWith(catalogue.commit([{ type: 'image.status', id, status: 'active' }]), 'conflict', /no data/);
				await rejectsWith(catalogue.commit([{ type: 'image.status', id, status: 'deleted' }]), 'conflict');
				await catalogue.commit([{ type: 'image.status', id, status: 'saving' }, dataOp(id)]);
				await rejectsWith(catalogue.commit([dataOp(id, 2)]), 'conflict', /has data/);
				await catalogue.commit([{ type: 'image.status', id, status: 'deactivated' }]);
				await catalogue.commit([{ type: 'image.status', id, status: 'active' }]);
			}));

		it("refuses to change another site's image and names the site", () =>
			withWorld(async ({ catalogue }) => {
				await catalogue.feed.receive(await entriesOf(await peer('paris', activeImage(id))));
				assert.equal(catalogue.image(id)?.site, 'paris');
				await rejectsWith(catalogue.commit([{ type: 'image.update', id, set: { name: 'x' } }]), 'forbidden', /site paris/);
				await rejectsWith(catalogue.commit([{ type: 'image.delete', id }]), 'forbidden', /site paris/);
				await rejectsWith(catalogue.commit([createOp(id)]), 'conflict');
			}));

		it('keeps malformed ops out of its own log', () =>
			withWorld(async ({ catalogue }) => {
				await rejectsWith(catalogue.commit([createOp('../../etc/passwd')]), 'invalid', /id/);
				await rejectsWith(catalogue.commit([createOp(id, { name: 'a\ud800' })]), 'invalid', /Unicode/);
				await rejectsWith(catalogue.commit([createOp(id, { properties: JSON.parse('{"__proto__":"x"}') })]), 'invalid');
				await rejectsWith(catalogue.commit([createOp(id, { minDisk: -1 })]), 'invalid');
				const properties = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`p${n}`, 'x'.repeat(60_000)]));
				await rejectsWith(catalogue.commit([createOp(id, { properties })]), 'limit-exceeded');
			}));

		it('lists copies by store and node, of images it does not know yet too', () =>
			withWorld(async ({ catalogue, self }) => {
				await catalogue.commit([{ type: 'copy.add', id, store: 'file', kind: 'backend' }]);
				assert.equal(catalogue.knows(id), false);
				await catalogue.commit([createOp(id)]);
				const { revision, updatedAt } = catalogue.image(id) ?? {};
				await catalogue.commit([
					{ type: 'copy.add', id, store: 'centre', kind: 'site' },
					{ type: 'copy.add', id, store: 'centre', kind: 'site' },
				]);
				assert.deepEqual(catalogue.image(id)?.copies, [
					{ store: 'centre', node: self.log, kind: 'site' },
					{ store: 'file', node: self.log, kind: 'backend' },
				]);
				assert.equal(catalogue.image(id)?.revision, revision);
				assert.equal(catalogue.image(id)?.updatedAt, updatedAt);
				await catalogue.commit([{ type: 'copy.drop', id, store: 'file' }]);
				assert.deepEqual(
					catalogue.image(id)?.copies.map((copy) => copy.store),
					['centre'],
				);
			}));

		it('keeps members in the order of their coming, and the image as old as it is', () =>
			withWorld(async ({ catalogue, at, reopen }) => {
				await catalogue.commit([createOp(id), add('b'), add('a')]);
				at(START + 10);
				await catalogue.commit([add('0'), { type: 'member.status', id, member: 'a', status: 'rejected' }]);
				const { members, updatedAt, revision } = catalogue.image(id) ?? assert.fail();
				assert.deepEqual(members, [
					{ member: 'a', status: 'rejected', createdAt: START, updatedAt: START + 10 },
					{ member: 'b', status: 'pending', createdAt: START, updatedAt: START },
					{ member: '0', status: 'pending', createdAt: START + 10, updatedAt: START + 10 },
				]);
				assert.deepEqual([updatedAt, revision], [START, 5]);
				await catalogue.commit([{ type: 'image.update', id, set: { visibility: 'private' } }]);
				assert.deepEqual((await reopen()).image(id)?.members, members);
			}));

		it('refuses what a membership does not allow', () =>
			withWorld(async ({ catalogue }) => {
				const answer: Op = { type: 'member.status', id, member: 'b', status: 'accepted' };
				await rejectsWith(catalogue.commit([add('b')]), 'not-found');
				await catalogue.commit([createOp(id)]);
				await rejectsWith(catalogue.commit([answer]), 'not-found', /b is not a member of image/);
				await rejectsWith(catalogue.commit([{ type: 'member.remove', id, member: 'b' }]), 'not-found');
				await catalogue.commit([add('b')]);
				await rejectsWith(catalogue.commit([add('b')]), 'conflict');
				await rejectsWith(catalogue.commit([{ ...answer, status: 'maybe' as 'accepted' }]), 'invalid');
				await rejectsWith(catalogue.commit([add('')]), 'invalid');
				await rejectsWith(catalogue.commit([add('x'.repeat(1025))]), 'invalid');
				await catalogue.commit([{ type: 'image.delete', id }]);
				await rejectsWith(catalogue.commit([answer]), 'not-found');
			}));

		it('has few keys for each member, and none for those of images that are not shared', () =>
			withWorld(async ({ kv, catalogue }) => {
				const keysOf = async (prefix: string) =>
					(await Array.fromAsync(kv.sub(prefix).keys({}))).filter((key) => key.endsWith(id));
				const tags = Array.from({ length: 100 }, (_, n) => `t${n}`);
				await catalogue.commit([createOp(id, { tags }), add('b'), add('c')]);
				await catalogue.commit([{ type: 'member.status', id, member: 'c', status: 'accepted' }]);
				assert.equal((await keysOf('x/m')).length, 16);
				assert.equal((await keysOf('x/mpb')).length, 8);
				assert.equal((await keysOf('x/mac')).length, 8);
				await catalogue.commit([{ type: 'image.update', id, set: { visibility: 'public' } }]);
				assert.deepEqual(await keysOf('x/m'), []);
				await catalogue.commit([{ type: 'image.update', id, set: { visibility: 'shared' } }]);
				assert.equal((await keysOf('x/m')).length, 16);
				await catalogue.commit([{ type: 'image.delete', id }]);
				assert.deepEqual(await keysOf('x/'), []);
			}));

		it('finds images in a status by id, whatever the status', () =>
			withWorld(async ({ catalogue }) => {
				await catalogue.commit([3, 1, 2].map((n) => createOp(imageId(n))));
				await catalogue.commit([{ type: 'image.status', id: imageId(2), status: 'saving' }]);
				const ids = async (status: 'queued' | 'saving' | 'killed') =>
					(await Array.fromAsync(catalogue.imagesIn(status))).map((image) => image.id);
				assert.deepEqual(await ids('queued'), [imageId(1), imageId(3)]);
				assert.deepEqual(await ids('saving'), [imageId(2)]);
				await catalogue.commit([{ type: 'image.status', id: imageId(2), status: 'killed' }]);
				assert.deepEqual(await ids('killed'), [imageId(2)]);
			}));

		it('tells followers what a commit touched and released', () =>
			withWorld(async ({ catalogue, self }) => {
				const heard: CatalogueChange[] = [];
				const stop = catalogue.follow((change) => heard.push(change));
				catalogue.follow(() => assert.fail('a follower that fails harms nobody'));
				await catalogue.commit(activeImage(id, {}, 3));
				await catalogue.commit([{ type: 'image.delete', id }]);
				await catalogue.commit([self.announce]);
				stop();
				await catalogue.commit([createOp(imageId(2))]);
				const content = { root: rootOf(3), size: 3000, blockSize: 1024 * 1024 };
				assert.deepEqual(heard, [
					{ log: self.log, own: true, images: [id], released: [], nodes: false },
					{ log: self.log, own: true, images: [id], released: [content], nodes: false },
					{ log: self.log, own: true, images: [], released: [], nodes: true },
				]);
			}));

		it('knows nodes from their announcements', () =>
			withWorld(async ({ catalogue, self }) => {
				const paris = await peer('paris', []);
				await catalogue.feed.receive(await entriesOf(paris));
				const nodes = catalogue.nodes().map(({ site, self: own }) => ({ site, own }));
				assert.deepEqual(nodes, [
					{ site: 'centre', own: true },
					{ site: 'paris', own: false },
				]);
				assert.equal(catalogue.nodes()[0]?.node, self.log);
				assert.deepEqual(catalogue.nodes()[0]?.addresses, self.announce.addresses);
			}));

		it('finds everything again after it was closed', () =>
			withWorld(async ({ catalogue, self, reopen }) => {
				await catalogue.commit(activeImage(id, { name: 'kept' }));
				const before = catalogue.image(id);
				const vector = catalogue.feed.vector();
				const again = await reopen();
				await rejectsWith(catalogue.commit([createOp(imageId(2))]), 'unavailable');
				assert.deepEqual(again.image(id), before);
				assert.deepEqual(again.feed.vector(), vector);
				assert.deepEqual(
					again.nodes().map((node) => node.node),
					[self.log],
				);
				await again.commit([createOp(imageId(2))]);
				assert.equal(again.feed.vector().get(self.log), 5);
			}));

		it('moves on in time when its clock goes back', () =>
			withWorld(async ({ catalogue, at, reopen }) => {
				at(START + 10_000);
				await catalogue.commit([createOp(id)]);
				at(START);
				const again = await reopen();
				await again.commit([{ type: 'image.update', id, set: { name: 'later' } }]);
				assert.equal(again.image(id)?.name, 'later');
				const copy = await openCatalogue({
					kv: memoryKeyValue(),
					signer: logWriter('x').signer,
					trust: logTrust,
					clock: () => START,
					log: silentLog,
				});
				await copy.feed.receive(await entriesOf(again));
				assert.equal(copy.image(id)?.name, 'later');
			}));

		it('refuses to write before it has announced itself', () =>
			withWorld(async ({ kv }) => {
				const fresh = await openCatalogue({
					kv: kv.sub('other/'),
					signer: logWriter('a').signer,
					trust: logTrust,
					log: silentLog,
				});
				await rejectsWith(fresh.commit([createOp(id)]), 'forbidden', /announced/);
			}));
	});
}

describe('catalogue: a store that fails', () => {
	it('leaves everything as it was, tells every commit of the batch, and goes on when it can', async () => {
		const kv = memoryKeyValue();
		let failing = false;
		const write: KeyValue['write'] = async (changes, options) => {
			if (failing) throw new ImageError('full', 'no space left');
			await kv.write(changes, options);
		};
		const self = logWriter('centre');
		const catalogue = await openCatalogue({ kv: { ...kv, write }, signer: self.signer, trust: logTrust, log: silentLog });
		await catalogue.commit([self.announce]);
		const heard: unknown[] = [];
		catalogue.follow((change) => heard.push(change));
		failing = true;
		const lost = await Promise.allSettled([1, 2, 3].map((n) => catalogue.commit([createOp(imageId(n))])));
		assert.deepEqual(
			lost.map((result) => result.status === 'rejected' && codeOf(result.reason)),
			['full', 'full', 'full'],
		);
		assert.equal(catalogue.knows(imageId(1)), false);
		assert.deepEqual(catalogue.feed.vector(), new Map([[self.log, 1]]));
		assert.deepEqual(heard, []);
		failing = false;
		await catalogue.commit([createOp(imageId(1))]);
		assert.deepEqual(catalogue.feed.vector(), new Map([[self.log, 2]]));
		assert.equal((await catalogue.feed.missing(new Map(), 10 ** 9)).length, 2);
	});

	it('bounds what a record can grow to, and what one node can claim to hold', async () => {
		const self = logWriter('centre');
		const catalogue = await openCatalogue({ kv: memoryKeyValue(), signer: self.signer, trust: logTrust, log: silentLog });
		await catalogue.commit([self.announce, createOp(id)]);
		const names = (from: number) => Array.from({ length: 600 }, (_, n) => `n${from + n}`);
		await catalogue.commit([
			{ type: 'image.update', id, addTags: names(0), setProperties: Object.fromEntries(names(0).map((n) => [n, ''])) },
		]);
		await rejectsWith(catalogue.commit([{ type: 'image.update', id, addTags: names(600) }]), 'limit-exceeded', /tags/);
		const more = Object.fromEntries(names(600).map((n) => [n, '']));
		await rejectsWith(catalogue.commit([{ type: 'image.update', id, setProperties: more }]), 'limit-exceeded', /properties/);
		const copies = Array.from({ length: 65 }, (_, n): Op => ({ type: 'copy.add', id, store: `s${n}`, kind: 'site' }));
		await catalogue.commit(copies.slice(0, 64));
		await rejectsWith(catalogue.commit(copies.slice(64)), 'limit-exceeded', /64 stores/);
		await catalogue.commit(copies.slice(0, 1));
		await catalogue.commit(Array.from({ length: 1024 }, (_, n) => add(`p${n}`)));
		await rejectsWith(catalogue.commit([add('one more')]), 'limit-exceeded', /1024 members/);
		await catalogue.commit([{ type: 'member.remove', id, member: 'p7' }, add('one more')]);
	});
});
