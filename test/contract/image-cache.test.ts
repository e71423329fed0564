/** The cache over real catalogues and real content stores: what becomes an entry, what is fetched ahead, what may go. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Image } from '#domain/image.ts';
import { type CacheFleet, type CacheNode, cacheFleet, gate } from '../support/cache-fleet.ts';
import { eventually } from '../support/eventually.ts';
import { createOp } from '../support/fleet-of-logs.ts';
import { readAll } from '../support/open-content.ts';

const MiB = 1024 * 1024;
const { signal } = new AbortController();

interface Scene {
	readonly fleet: CacheFleet;
	readonly centre: CacheNode;
	readonly paris: CacheNode;
	/** An image of the centre that paris knows of. */
	fromCentre(bytes?: Buffer): Promise<Image>;
}

async function withScene(body: (scene: Scene) => Promise<void>): Promise<void> {
	await using stack = new AsyncDisposableStack();
	const fleet = cacheFleet(stack);
	const centre = await fleet.add('centre');
	const paris = await fleet.add('paris');
	fleet.link(paris, centre);
	fleet.link(centre, paris);
	await body({
		...{ fleet, centre, paris },
		async fromCentre(bytes = randomBytes(2 * MiB + 7)) {
			const { id } = await centre.upload(bytes);
			await fleet.ship();
			return paris.image(id);
		},
	});
}

const copiesOf = (at: CacheNode, { id }: Image) =>
	at
		.image(id)
		.copies.map(({ store }) => store)
		.toSorted();
const isHere = ({ store }: CacheNode, { content }: Image) => store.presence(content?.root ?? '') === 'complete';
const cachedAt = (at: CacheNode, ...images: Image[]) =>
	eventually('the images to be cached', () => (images.every(({ id }) => at.cached().includes(id)) ? true : undefined));

describe('an entry', () => {
	it('is made by the first whole read, and counts those after it', () =>
		withScene(async ({ paris, fromCentre }) => {
			const image = await fromCentre();
			assert.deepEqual(paris.cached(), []);
			const began = paris.now;
			await paris.read(image);
			await cachedAt(paris, image);
			paris.now += 1000;
			await paris.read(image);
			const expected = { id: image.id, hits: 1, lastAccessed: began + 1000, lastModified: began, size: 2 * MiB + 7 };
			assert.partialDeepStrictEqual(paris.cache.entries(), [expected]);
		}));
	it('is not made by a read that breaks off, nor by a part', () =>
		withScene(async ({ paris, fromCentre }) => {
			const image = await fromCentre();
			assert.ok(image.content);
			paris.cache.asked(image);
			await readAll(paris.store, image.content, { start: 0, end: MiB });
			assert.equal(paris.store.presence(image.content.root), 'partial');
			assert.deepEqual(paris.cached(), []);
		}));
	it('is made of an own image as of any other', () =>
		withScene(async ({ centre }) => {
			const image = await centre.upload(randomBytes(10));
			assert.deepEqual(centre.cached(), []);
			await centre.read(image);
			assert.deepEqual(centre.cached(), [image.id]);
		}));
	it('goes with its image, as does a place in line', () =>
		withScene(async ({ fleet, centre, paris, fromCentre }) => {
			const [image, waiting] = [await fromCentre(), await fromCentre()];
			await paris.read(image);
			fleet.unlink(paris);
			await paris.cache.enqueue(waiting.id);
			for (const { id } of [image, waiting]) await centre.catalogue.commit([{ type: 'image.delete', id }]);
			await fleet.ship();
			assert.deepEqual([paris.cached(), paris.cache.queue()], [[], []]);
		}));
	it('is remembered, with its use, by the next process; one whose image went meanwhile is not', () =>
		withScene(async ({ fleet, centre, paris, fromCentre }) => {
			const [image, gone] = [await fromCentre(), await fromCentre()];
			for (const each of [image, gone]) await paris.read(each);
			await cachedAt(paris, image, gone);
			await paris.read(image);
			await paris.cache[Symbol.asyncDispose]();
			await centre.catalogue.commit([{ type: 'image.delete', id: gone.id }]);
			await fleet.ship();
			await paris.reopenCache();
			assert.deepEqual(
				paris.cache.entries().map(({ id, hits }) => [id, hits]),
				[[image.id, 1]],
			);
		}));
});

describe('the line', () => {
	it('begins to move at once, in order, and each leaves it as an entry', () =>
		withScene(async ({ fleet, centre, paris, fromCentre }) => {
			const images = [await fromCentre(), await fromCentre(), await fromCentre()];
			fleet.unlink(paris);
			const closed = gate();
			fleet.link(paris, centre, closed);
			for (const { id } of images) await paris.cache.enqueue(id);
			await paris.cache.enqueue(images[0]?.id ?? '');
			assert.deepEqual(
				paris.cache.queue(),
				images.map(({ id }) => id),
			);
			closed.open();
			await cachedAt(paris, ...images);
			await eventually('the line to be empty', () => (paris.cache.queue().length === 0 ? true : undefined));
			assert.deepEqual(
				paris.cache.entries().map(({ hits }) => hits),
				[0, 0, 0],
			);
			await paris.cache.enqueue(images[0]?.id ?? '');
			assert.deepEqual(paris.cache.queue(), []);
		}));
	it('is kept across the end of the process', () =>
		withScene(async ({ fleet, centre, paris, fromCentre }) => {
			const images = [await fromCentre(), await fromCentre()];
			fleet.unlink(paris);
			for (const { id } of images) await paris.cache.enqueue(id);
			await paris.reopenCache();
			assert.deepEqual(
				paris.cache.queue(),
				images.map(({ id }) => id),
			);
			fleet.link(paris, centre);
			await cachedAt(paris, ...images);
		}));
	it('goes on when a holder comes, and gives up after long', () =>
		withScene(async ({ fleet, centre, paris, fromCentre }) => {
			const image = await fromCentre();
			fleet.unlink(paris);
			await paris.reopenCache({ giveUpMs: 3600_000 });
			await paris.cache.enqueue(image.id);
			await eventually('a failure', () => (paris.warnings.length > 0 ? true : undefined));
			fleet.link(paris, centre);
			await cachedAt(paris, image);
			const other = await fromCentre();
			fleet.unlink(paris);
			await paris.cache.enqueue(other.id);
			paris.now += 3600_000;
			paris.sources.changed();
			await eventually('the line to be empty', () => (paris.cache.queue().length === 0 ? true : undefined));
			assert.ok(!isHere(paris, other));
		}));
	it('can be left, also by what is being fetched', () =>
		withScene(async ({ fleet, centre, paris, fromCentre }) => {
			const image = await fromCentre();
			fleet.unlink(paris);
			const closed = gate();
			fleet.link(paris, centre, closed);
			await paris.cache.enqueue(image.id);
			assert.equal(await paris.cache.dequeue([image.id, 'never']), 1);
			closed.open();
			assert.deepEqual([paris.cache.queue(), paris.cached()], [[], []]);
			await paris.cache.enqueue(image.id);
			await cachedAt(paris, image);
		}));
	it('is left by an image that is no longer active', () =>
		withScene(async ({ fleet, centre, paris, fromCentre }) => {
			const image = await fromCentre();
			fleet.unlink(paris);
			await paris.cache.enqueue(image.id);
			await eventually('a failure', () => (paris.warnings.length > 0 ? true : undefined));
			await centre.catalogue.commit([{ type: 'image.status', id: image.id, status: 'deactivated' }]);
			await fleet.ship();
			fleet.link(paris, centre);
			await eventually('the line to be empty', () => (paris.cache.queue().length === 0 ? true : undefined));
			assert.ok(!isHere(paris, image));
		}));
});

describe('dropping', () => {
	it('gives bytes back that the owning site holds, and says so', () =>
		withScene(async ({ fleet, paris, fromCentre }) => {
			const image = await fromCentre();
			await paris.read(image);
			await eventually('the copy to be said', () => (copiesOf(paris, image).includes('paris') ? true : undefined));
			assert.equal(await paris.cache.drop([image.id, 'never']), 1);
			assert.ok(!isHere(paris, image));
			assert.deepEqual([copiesOf(paris, image), paris.cached()], [['centre'], []]);
			await fleet.ship();
			await paris.read(image);
			await cachedAt(paris, image);
			assert.ok(isHere(paris, image));
		}));
	it('never takes what the own site owns, however many hold it', () =>
		withScene(async ({ fleet, centre, paris, fromCentre }) => {
			const image = await fromCentre();
			await paris.read(image);
			await eventually('the copy to be said', () => (copiesOf(paris, image).includes('paris') ? true : undefined));
			await fleet.ship();
			await centre.read(centre.image(image.id));
			assert.equal(await centre.cache.drop([image.id]), 1);
			assert.ok(isHere(centre, image));
			assert.deepEqual([copiesOf(centre, image), centre.cached()], [['centre', 'paris'], []]);
		}));
	it('takes nothing while the holder is away, or has nothing when it is asked', () =>
		withScene(async ({ fleet, centre, paris, fromCentre }) => {
			const image = await fromCentre();
			await paris.read(image);
			await cachedAt(paris, image);
			fleet.unlink(paris);
			await paris.cache.drop([image.id]);
			assert.ok(isHere(paris, image));
			// it says that it holds the image, and its disk has lost it
			await eventually('the centre to have lost it', async () => {
				await centre.store.forget(image.content?.root ?? '');
				return isHere(centre, image) ? undefined : true;
			});
			fleet.link(paris, centre);
			await paris.read(image);
			await paris.cache.drop([image.id]);
			assert.ok(isHere(paris, image));
		}));
	it('by two nodes that rely on old news of each other leaves a copy with one', () =>
		withScene(async ({ fleet, centre, paris, fromCentre }) => {
			const image = await fromCentre();
			const oslo = await fleet.add('oslo');
			fleet.link(oslo, centre);
			await fleet.ship();
			for (const node of [paris, oslo]) await node.read(image);
			await eventually('both copies to be known everywhere', async () => {
				await fleet.ship();
				return [paris, oslo].every((at) => copiesOf(at, image).length === 3) ? true : undefined;
			});
			for (const node of [paris, oslo]) fleet.unlink(node);
			fleet.link(paris, oslo);
			fleet.link(oslo, paris);
			await Promise.all([paris, oslo].map((node) => node.cache.drop([image.id])));
			assert.deepEqual([paris, oslo].filter((node) => isHere(node, image)).length, 1);
		}));
	it('leaves bytes that another entry, another image of the own site or a staged image has', () =>
		withScene(async ({ fleet, paris, fromCentre }) => {
			const bytes = randomBytes(MiB);
			const [first, second] = [await fromCentre(bytes), await fromCentre(bytes)];
			await paris.read(first);
			await paris.read(second);
			await cachedAt(paris, first, second);
			await paris.cache.drop([first.id]);
			assert.ok(isHere(paris, second), 'the other entry');
			const id = crypto.randomUUID();
			const { content } = first;
			assert.ok(content);
			const facts = { content, checksum: first.checksum ?? '', hashAlgorithm: 'sha512', hashValue: first.hashValue ?? '' };
			await paris.catalogue.commit([
				createOp(id),
				{ type: 'image.status', id, status: 'uploading' },
				{ type: 'image.stage', id, ...facts },
			]);
			await paris.cache.drop([second.id]);
			assert.ok(isHere(paris, second), 'the staged image');
			await paris.catalogue.commit([{ type: 'image.delete', id }]);
			await paris.read(second);
			await paris.upload(bytes);
			await paris.cache.drop([second.id]);
			assert.ok(isHere(paris, second), 'the own image');
			await fleet.ship();
		}));
	it('leaves bytes that are being read, and says that they are still held', () =>
		withScene(async ({ paris, fromCentre }) => {
			const image = await fromCentre(randomBytes(8 * MiB));
			assert.ok(image.content);
			await paris.read(image);
			await eventually('the copy to be said', () => (copiesOf(paris, image).includes('paris') ? true : undefined));
			const reading = paris.store.read(image.content, { start: 0, end: 8 * MiB }, { signal })[Symbol.asyncIterator]();
			await reading.next();
			await paris.cache.drop([image.id]);
			assert.ok(isHere(paris, image));
			assert.deepEqual(copiesOf(paris, image), ['centre', 'paris']);
			await reading.return?.();
		}));
});

describe('pruning', () => {
	it('drops whoever was used least recently until the rest fits', () =>
		withScene(async ({ paris, fromCentre }) => {
			const images = [];
			for (let n = 0; n < 4; n += 1) images.push(await fromCentre(randomBytes(MiB + n)));
			for (const image of images) {
				paris.now += 1000;
				await paris.read(image);
				await cachedAt(paris, image);
			}
			const [a, b, c, d] = images as [Image, Image, Image, Image];
			paris.now += 1000;
			await paris.read(a);
			await paris.reopenCache({ maxBytes: 2 * MiB + 3 });
			assert.deepEqual(await paris.cache.prune(), { images: 2, bytes: 2 * MiB + 3 });
			assert.deepEqual(paris.cached(), [a.id, d.id].toSorted());
			assert.deepEqual(
				[a, b, c, d].map((image) => isHere(paris, image)),
				[true, false, false, true],
			);
			assert.deepEqual(await paris.cache.prune(), { images: 0, bytes: 0 });
			await paris.reopenCache({ maxBytes: 0 });
			assert.deepEqual((await paris.cache.prune()).images, 2);
		}));
});

describe('cleaning', () => {
	it('removes what came in part and no further, unless it is in line', () =>
		withScene(async ({ fleet, centre, paris, fromCentre }) => {
			const [stalled, wanted] = [await fromCentre(), await fromCentre()];
			fleet.unlink(paris);
			fleet.link(paris, centre, { has: (index) => index === 0 });
			for (const { content } of [stalled, wanted]) {
				assert.ok(content);
				await readAll(paris.store, content, { start: 0, end: 10 });
				assert.equal(paris.store.presence(content.root), 'partial');
			}
			await paris.cache.enqueue(wanted.id);
			await paris.cache.clean();
			assert.equal(paris.store.presence(stalled.content?.root ?? ''), 'partial', 'it is young');
			paris.now += 86_400_000 + 60_000;
			await paris.cache.clean();
			assert.equal(paris.store.presence(stalled.content?.root ?? ''), 'none');
			assert.equal(paris.store.presence(wanted.content?.root ?? ''), 'partial');
		}));
});
