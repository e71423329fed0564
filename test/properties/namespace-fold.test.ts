/** The namespaces of metadata definitions are a function of the logs, not of the order in which they come. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { LocalCatalogue } from '#catalogue/catalogue.ts';
import type { NamespaceRecord } from '#domain/metadef.ts';
import type { MetadefOp, Op } from '#domain/ops.ts';
import { logWriter } from '../support/fleet-of-logs.ts';
import { catalogueOf, interleaved, logsOf as logsOfAll, type Step } from '../support/log-histories.ts';

const RUNS = 200;
/** Two nodes of one site, and one of another: who may change what is decided by site, not by node. */
const WRITERS = [logWriter('paris'), logWriter('paris'), logWriter('oslo')];
const OSLO = 2;
const reader = logWriter('centre');
const NAMES = ['OS::Compute', 'a/b %☃'];
const logsOf = (steps: readonly Step[]) => logsOfAll(WRITERS, steps);

const FIELDS = { displayName: null, description: null, visibility: 'public', protected: false, owner: 'p' } as const;
const create = (id: string): MetadefOp => ({ type: 'metadef.create', id, fields: FIELDS });

const name = fc.constantFrom(...NAMES);
const item = fc.constantFrom('x', 'y', '__proto__');
const op: fc.Arbitrary<MetadefOp> = name.chain((id) =>
	fc.oneof(
		{ weight: 2, arbitrary: fc.constant(create(id)) },
		fc.nat(9).map((n): MetadefOp => ({ type: 'metadef.update', id, set: { description: String(n) } })),
		fc.uniqueArray(item, { minLength: 1 }).map(
			(names): MetadefOp => ({
				type: 'metadef.put',
				id,
				kind: 'property',
				items: names.map((one) => ({ value: { name: one, schema: { type: 'string', title: one } } })),
			}),
		),
		fc
			.tuple(item, item)
			.map(([was, now]): MetadefOp => ({ type: 'metadef.put', id, kind: 'tag', items: [{ was, value: { name: now } }] })),
		item.map((one): MetadefOp => ({ type: 'metadef.put', id, kind: 'tag', items: [{ value: { name: one } }] })),
		item.map(
			(one): MetadefOp => ({
				type: 'metadef.put',
				id,
				kind: 'association',
				items: [{ value: { name: one, prefix: null, propertiesTarget: null } }],
			}),
		),
		fc
			.tuple(fc.constantFrom('property' as const, 'tag' as const, 'association' as const), item)
			.map(([kind, one]): MetadefOp => ({ type: 'metadef.drop', id, kind, names: [one] })),
		fc.constant<MetadefOp>({ type: 'metadef.delete', id }),
	),
);
/** Stamps tie often; namespaces begin early, so that not most ops are without effect. */
const history = fc
	.array(fc.record({ op, by: fc.nat(WRITERS.length - 1), later: fc.nat(1) }), { maxLength: 30 })
	.map((steps): readonly Step[] => [{ op: create(NAMES[0] ?? ''), by: 0, later: 1 }, ...steps]);
const choices = fc.array(fc.nat(2), { minLength: 1, maxLength: 20 });
const batch = fc.integer({ min: 1, max: 10 });

/** Everything but the revision, which counts what this node has seen. */
async function recordsOf(catalogue: LocalCatalogue): Promise<unknown> {
	const all: readonly NamespaceRecord[] = await Array.fromAsync(catalogue.namespaces());
	return { all: all.map(({ revision: _, ...rest }) => rest), types: await catalogue.resourceTypes() };
}

async function readAll(logs: readonly (readonly Uint8Array[])[], order: readonly number[], size = 100): Promise<LocalCatalogue> {
	const catalogue = await catalogueOf(reader);
	const entries = interleaved(logs, order);
	for (let at = 0; at < entries.length; at += size) await catalogue.feed.receive(entries.slice(at, at + size));
	return catalogue;
}

describe('namespace fold', () => {
	it('gives the same namespaces and resource types for every interleaving of the logs, in batches of any size', async () => {
		await fc.assert(
			fc.asyncProperty(history, choices, choices, batch, async (steps, one, other, size) => {
				const logs = logsOf(steps);
				const [a, b] = [await readAll(logs, one), await readAll(logs, other, size)];
				assert.deepEqual(await recordsOf(a), await recordsOf(b));
			}),
			{ numRuns: RUNS },
		);
	});

	it('is not touched by ops of a site that does not own the namespace', async () => {
		await fc.assert(
			fc.asyncProperty(history, choices, async (steps, order) => {
				// without a delete paris owns the first name for ever
				const id = NAMES[0];
				const about = steps.filter((step) => 'id' in step.op && step.op.id === id && step.op.type !== 'metadef.delete');
				const spaced = about.map((step) => ({ ...step, later: 1 }));
				const [a, b] = [
					await readAll(logsOf(spaced), order),
					await readAll(logsOf(spaced.map((step) => (step.by === OSLO ? { ...step, op: harmless } : step))), order),
				];
				assert.deepEqual(await recordsOf(a), await recordsOf(b));
			}),
			{ numRuns: RUNS / 2 },
		);
	});

	it('gives a name to whoever creates next once it was deleted, whatever comes late', async () => {
		const [id] = NAMES as [string];
		const association: Op = {
			type: 'metadef.put',
			id,
			kind: 'association',
			items: [{ value: { name: 'OS::Nova::Flavor', prefix: null, propertiesTarget: null } }],
		};
		const logs = logsOf([
			{ op: create(id), by: 0, later: 1 },
			{ op: association, by: 1, later: 1 },
			{ op: create(id), by: OSLO, later: 1 },
			{ op: { type: 'metadef.delete', id }, by: 0, later: 1 },
			{ op: create(id), by: OSLO, later: 1 },
			{ op: { type: 'metadef.put', id, kind: 'tag', items: [{ value: { name: 't' } }] }, by: OSLO, later: 1 },
			{ op: create(id), by: 1, later: 1 },
		]);
		for (const order of [[0], [2, 1, 0], [1, 0, 2], [2, 0, 1]]) {
			const catalogue = await readAll(logs, order, 1);
			const namespace = catalogue.namespace(id);
			assert.deepEqual([namespace?.site, namespace?.createdAt, namespace?.items.association], ['oslo', 6, []], String(order));
			assert.deepEqual(
				namespace?.items.tag.map((tag) => tag.name),
				['t'],
			);
			assert.deepEqual(await catalogue.resourceTypes(), [{ name: 'OS::Nova::Flavor', createdAt: 3, updatedAt: 3 }]);
		}
	});

	it("keeps an item's age and place when it is renamed", async () => {
		const [id] = NAMES as [string];
		const put = (name: string, was?: string): Op => ({
			type: 'metadef.put',
			id,
			kind: 'tag',
			items: [{ ...(was !== undefined && { was }), value: { name } }],
		});
		const steps = [create(id), put('a'), put('b'), put('c', 'a'), put('d', 'nobody'), put('b', 'c')];
		const catalogue = await readAll(logsOf(steps.map((one) => ({ op: one, by: 0, later: 1 }))), [0]);
		assert.deepEqual(catalogue.namespace(id)?.items.tag, [
			{ name: 'c', createdAt: 3, updatedAt: 5 },
			{ name: 'b', createdAt: 4, updatedAt: 4 },
		]);
	});
});

const harmless: Op = { type: 'metadef.delete', id: 'of no namespace' };
