/** The records are a function of the logs, not of the order in which they come. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { LocalCatalogue } from '#catalogue/catalogue.ts';
import { foldImage, type ImageOp, NO_IMAGE } from '#catalogue/fold/image-fold.ts';
import type { Writer } from '#catalogue/fold/record-kind.ts';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { follows, IMAGE_STATUSES, type Image } from '#domain/image.ts';
import { MEMBER_STATUSES } from '#domain/member.ts';
import type { Op } from '#domain/ops.ts';
import { NO_USAGE, sum, usageOf } from '#domain/usage.ts';
import { createOp, dataOp, imageId, logWriter } from '../support/fleet-of-logs.ts';
import { catalogueOf, interleaved, logsOf as logsOfAll, type Step } from '../support/log-histories.ts';

const RUNS = 200;
const IDS = [imageId(1), imageId(2)];
/** Two nodes of one site, and one of another: who may change what is decided by site, not by node. */
const WRITERS = [logWriter('paris'), logWriter('paris'), logWriter('oslo')];
const reader = logWriter('centre');
const OWNERS = ['project-a', 'b', null];

const id = fc.constantFrom(...IDS);
const member = fc.constantFrom('m1', 'm2');
const status = fc.constantFrom(...MEMBER_STATUSES);
const sharingOp = (of: string): fc.Arbitrary<ImageOp> =>
	fc.oneof(
		member.map((who): ImageOp => ({ type: 'member.add', id: of, member: who })),
		fc.tuple(member, status).map(([who, next]): ImageOp => ({ type: 'member.status', id: of, member: who, status: next })),
		member.map((who): ImageOp => ({ type: 'member.remove', id: of, member: who })),
	);
const op: fc.Arbitrary<ImageOp> = fc.oneof(
	id.map((of) => createOp(of, { tags: ['t'], properties: { p: '0' } })),
	fc.tuple(id, fc.constantFrom('a', 'b'), fc.nat(3)).map(
		([of, key, n]): ImageOp => ({
			type: 'image.update',
			id: of,
			set: { name: key + n },
			setProperties: { [key]: String(n) },
			dropProperties: ['p'],
		}),
	),
	fc.tuple(id, fc.constantFrom(...OWNERS)).map(([of, owner]): ImageOp => ({ type: 'image.update', id: of, set: { owner } })),
	fc.tuple(id, fc.constantFrom(...IMAGE_STATUSES)).map(([of, status]): ImageOp => ({ type: 'image.status', id: of, status })),
	fc.tuple(id, fc.integer({ min: 1, max: 3 })).map(([of, n]): ImageOp => dataOp(of, n)),
	id.map((of): ImageOp => ({ type: 'image.delete', id: of })),
	fc.tuple(id, fc.constantFrom('s1', 's2')).map(([of, store]): ImageOp => ({ type: 'copy.add', id: of, store, kind: 'site' })),
	fc.tuple(id, fc.constantFrom('s1', 's2')).map(([of, store]): ImageOp => ({ type: 'copy.drop', id: of, store })),
	id.chain(sharingOp),
);
/** An op, its writer, and how far the shared clock moves before it: often not at all, so that stamps tie. */
const history = fc.array(fc.record({ op, by: fc.nat(WRITERS.length - 1), later: fc.nat(1) }), { maxLength: 30 });
/** An image of one node of paris, and ops about its members from there and from oslo: few late ones, none made good by others. */
const sharing = fc
	.array(fc.record({ op: sharingOp(imageId(1)), by: fc.constantFrom(0, 2), later: fc.nat(1) }), { minLength: 3, maxLength: 20 })
	.map((steps) => [{ op: createOp(imageId(1)), by: 0, later: 1 }, ...steps]);

const logsOf = (steps: readonly Step[]) => logsOfAll(WRITERS, steps);
const freshCatalogue = () => catalogueOf(reader);

/** The records, without the revision: that counts what this node has seen. */
function recordsOf(catalogue: LocalCatalogue): unknown {
	return IDS.map((one) => {
		const { revision: _, ...image } = catalogue.image(one) ?? ({} as Partial<Image>);
		return [catalogue.knows(one), image];
	});
}

async function listed(catalogue: LocalCatalogue): Promise<readonly unknown[]> {
	const sort = [
		{ key: 'createdAt', descending: false },
		{ key: 'id', descending: false },
	] as const;
	const { images } = await catalogue.images({ filters: [], sort, limit: 100, withCommunity: true });
	return images.map((image) => image.id);
}

/** An op that only the owning site may make count: an answer becomes the membership it is about. */
function withoutAnswer(one: Op): Op {
	if (one.type === 'image.create') return { type: 'image.delete', id: one.id };
	return one.type === 'member.status' ? { type: 'member.remove', id: one.id, member: one.member } : one;
}

const choices = fc.array(fc.nat(2), { minLength: 1, maxLength: 20 });
const batch = fc.integer({ min: 1, max: 10 });

describe('catalogue fold', () => {
	it('gives the same records for every interleaving of the logs, in batches of any size', async () => {
		await fc.assert(
			fc.asyncProperty(fc.oneof(history, sharing), choices, choices, batch, async (steps, one, other, size) => {
				const logs = logsOf(steps);
				const [a, b] = [await freshCatalogue(), await freshCatalogue()];
				await a.feed.receive(interleaved(logs, one));
				const order = interleaved(logs, other);
				for (let at = 0; at < order.length; at += size) await b.feed.receive(order.slice(at, at + size));
				assert.deepEqual(recordsOf(a), recordsOf(b));
				assert.deepEqual(await listed(a), await listed(b));
				assert.deepEqual(a.feed.vector(), b.feed.vector());
			}),
			{ numRuns: RUNS },
		);
	});

	it('counts what owners use as one would count it again, after every batch', async () => {
		await fc.assert(
			fc.asyncProperty(fc.oneof(history, sharing), choices, batch, async (steps, turns, size) => {
				const kv = memoryKeyValue();
				const catalogue = await catalogueOf(reader, kv);
				const recount = (owner: string | null) =>
					IDS.map((one) => catalogue.image(one))
						.filter((image) => image?.owner === owner)
						.map(usageOf)
						.reduce(sum, NO_USAGE);
				const order = interleaved(logsOf(steps), turns);
				for (let at = 0; at < order.length; at += size) {
					await catalogue.feed.receive(order.slice(at, at + size));
					for (const owner of OWNERS) assert.deepEqual(catalogue.usage(owner), recount(owner));
				}
				const reopened = await catalogueOf(reader, kv);
				for (const owner of OWNERS) assert.deepEqual(reopened.usage(owner), recount(owner));
			}),
			{ numRuns: RUNS },
		);
	});

	it('does not change when entries come again', async () => {
		await fc.assert(
			fc.asyncProperty(history, choices, async (steps, order) => {
				const entries = interleaved(logsOf(steps), order);
				const catalogue = await freshCatalogue();
				assert.deepEqual(await catalogue.feed.receive(entries), { accepted: entries.length, gaps: 0 });
				const before = IDS.map((one) => catalogue.image(one));
				assert.deepEqual(await catalogue.feed.receive(entries.toReversed()), { accepted: 0, gaps: 0 });
				assert.deepEqual(
					IDS.map((one) => catalogue.image(one)),
					before,
				);
			}),
			{ numRuns: RUNS / 4 },
		);
	});

	it('is not touched by ops of a site that does not own the image', async () => {
		await fc.assert(
			fc.asyncProperty(fc.oneof(history, sharing), choices, async (steps, order) => {
				const paris = steps.filter((step) => step.by !== 2);
				const meddling = steps.map((step) => (step.by === 2 ? { ...step, op: withoutAnswer(step.op) } : step));
				const own = (catalogue: LocalCatalogue) =>
					IDS.map((one) => {
						const { revision: _, copies: __, ...image } = catalogue.image(one) ?? ({} as Partial<Image>);
						const members = image.members?.map((row) => [row.member, row.status]).sort();
						return [catalogue.knows(one), { ...image, members, createdAt: 0, updatedAt: 0 }];
					});
				const [a, b] = [await freshCatalogue(), await freshCatalogue()];
				await a.feed.receive(interleaved(logsOf(paris.map((step) => ({ ...step, later: 1 }))), order));
				await b.feed.receive(interleaved(logsOf(meddling.map((step) => ({ ...step, later: 1 }))), order));
				assert.deepEqual(own(a), own(b));
			}),
			{ numRuns: RUNS / 2 },
		);
	});

	it('takes what a member answers from any site as if the owning site had said it', async () => {
		await fc.assert(
			fc.asyncProperty(sharing, choices, async (steps, order) => {
				const heard = steps.filter((one) => one.by !== 2 || one.op.type === 'member.status').map((one) => ({ ...one, later: 1 }));
				const [a, b] = [await freshCatalogue(), await freshCatalogue()];
				await a.feed.receive(interleaved(logsOf(heard), order));
				await b.feed.receive(interleaved(logsOf(heard.map((one) => ({ ...one, by: one.by % 2 }))), order));
				assert.deepEqual(recordsOf(a), recordsOf(b));
			}),
			{ numRuns: RUNS / 2 },
		);
	});

	it('puts an answer in its place, whenever it comes', async () => {
		const one = imageId(1);
		const add = (who: string) => ({ op: { type: 'member.add', id: one, member: who }, by: 0, later: 1 }) as const;
		const answer = (who: string) =>
			({ op: { type: 'member.status', id: one, member: who, status: 'accepted' }, by: 2, later: 1 }) as const;
		const logs = logsOf([
			{ op: createOp(one), by: 0, later: 1 },
			answer('early'),
			...[add('early'), add('willing'), add('again')],
			...[answer('willing'), answer('again')],
			{ op: { type: 'member.remove', id: one, member: 'again' }, by: 1, later: 1 },
			add('again'),
			{ op: { type: 'image.update', id: one, set: { name: 'n' } }, by: 0, later: 1 },
		]);
		for (const order of [[0], [2, 1, 0], [1, 0, 2], [2, 0, 1]]) {
			const catalogue = await freshCatalogue();
			await catalogue.feed.receive(interleaved(logs, order));
			const image = catalogue.image(one);
			assert.deepEqual(
				image?.members,
				[
					{ member: 'early', status: 'pending', createdAt: 4, updatedAt: 4 },
					{ member: 'willing', status: 'accepted', createdAt: 5, updatedAt: 7 },
					{ member: 'again', status: 'pending', createdAt: 10, updatedAt: 10 },
				],
				String(order),
			);
			assert.deepEqual([image.createdAt, image.updatedAt], [2, 11]);
		}
	});

	it('lets the earliest of two creates win, whichever comes first', async () => {
		const one = imageId(1);
		const logs = logsOf([
			{ op: createOp(one, { name: 'early' }), by: 2, later: 1 },
			{ op: createOp(one, { name: 'late' }), by: 0, later: 1 },
			{ op: { type: 'image.delete', id: one }, by: 0, later: 1 },
		]);
		for (const order of [[0], [2, 1, 0]]) {
			const catalogue = await freshCatalogue();
			await catalogue.feed.receive(interleaved(logs, order));
			assert.equal(catalogue.image(one)?.name, 'early');
			assert.equal(catalogue.image(one)?.site, 'oslo');
		}
	});

	it("keeps each node's revisions growing, also when an op comes late", async () => {
		const one = imageId(1);
		const logs = logsOf([
			{ op: createOp(one), by: 0, later: 1 },
			{ op: { type: 'image.status', id: one, status: 'saving' }, by: 1, later: 1 },
			{ op: { type: 'image.update', id: one, set: { name: 'x' } }, by: 0, later: 1 },
		]);
		const catalogue = await freshCatalogue();
		await catalogue.feed.receive(logs[0] ?? []);
		const before = catalogue.image(one);
		await catalogue.feed.receive(logs[1] ?? []);
		const after = catalogue.image(one);
		assert.equal(before?.status, 'queued');
		assert.equal(after?.status, 'saving');
		assert.equal(after.name, 'x');
		assert.equal(after.updatedAt, before.updatedAt);
		assert.ok(after.revision > before.revision);
	});

	it('moves status by the table alone, and content once', () => {
		const writer: Writer = { log: 'L', site: 'paris', at: 1 };
		fc.assert(
			fc.property(fc.array(op, { maxLength: 40 }), (ops) => {
				let state = foldImage(NO_IMAGE, writer, createOp(imageId(1))).state;
				for (const next of ops) {
					if (next.id !== imageId(1)) continue;
					const { state: after, refusal } = foldImage(state, writer, next);
					if (refusal) assert.equal(after, state);
					const [from, to] = [state.image, after.image];
					if (from && to && from.status !== to.status) assert.ok(follows(from.status, to.status));
					if (from?.content && to) assert.equal(to.content, from.content);
					if (to?.status === 'active') assert.ok(to.content);
					if (state.tombstone) assert.ok(after.tombstone && !after.image);
					assert.ok(after.revision >= state.revision);
					state = after;
				}
			}),
			{ numRuns: RUNS },
		);
	});
});
