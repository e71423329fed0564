/** A list is what filtering and sorting everything would give, page by page, however it was found. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type LocalCatalogue, openCatalogue } from '#catalogue/catalogue.ts';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { codeOf } from '#domain/errors.ts';
import type { Image } from '#domain/image.ts';
import { MEMBER_STATUSES } from '#domain/member.ts';
import type { ImageCreate, Op } from '#domain/ops.ts';
import { canSee, type ImageFilter, type ImageQuery, isListed, SORT_KEYS, type SortTerm, type Viewer } from '#domain/query.ts';
import { silentLog } from '#lib/log.ts';
import { createOp, dataOp, imageId, logTrust, logWriter } from '../support/fleet-of-logs.ts';

const RUNS = 150;
const START = Date.UTC(2026, 0, 1);
/** Few values, so that equal ones are common; some that would trip a careless key encoding. */
const TEXTS = ['', 'a', 'a\u0000', 'a\u0001', 'a\u0000b', 'ab', 'é', '\uFFFD', '\u{1F600}', 'x'.repeat(70), 'x'.repeat(71)];
const PROJECTS = ['p', 'q', 'p\u0000'];
const text = fc.constantFrom(...TEXTS);
const project = fc.constantFrom(...PROJECTS);

const fields: fc.Arbitrary<ImageCreate['fields']> = fc.record({
	name: fc.option(text),
	visibility: fc.constantFrom('public', 'private', 'shared', 'community'),
	owner: fc.option(project),
	protected: fc.boolean(),
	hidden: fc.boolean(),
	minDisk: fc.nat(2),
	minRam: fc.nat(2),
	diskFormat: fc.option(fc.constantFrom('raw', 'qcow2')),
	containerFormat: fc.option(fc.constantFrom('bare', 'ovf')),
	tags: fc.uniqueArray(text, { maxLength: 3 }),
	properties: fc.dictionary(fc.constantFrom('os', 'arch', 'x'.repeat(80)), text, { maxKeys: 3 }),
});

const plainFields: ImageCreate['fields'] = {
	name: null,
	visibility: 'shared',
	owner: 'p',
	protected: false,
	hidden: false,
	minDisk: 0,
	minRam: 0,
	diskFormat: 'raw',
	containerFormat: 'bare',
	tags: [],
	properties: {},
};

/** Whom it is shared with, and what they answered; one of them may be the owner. */
const members = fc.uniqueArray(fc.tuple(project, fc.constantFrom(...MEMBER_STATUSES)), {
	maxLength: 3,
	selector: ([who]) => who,
});

/** An image's fields, how far it has come, and how long after the one before it was made. */
const recipe = fc.record({ fields, members, life: fc.nat(5), later: fc.constantFrom(0, 0, 1), seed: fc.nat() });
type Recipe = typeof recipe extends fc.Arbitrary<infer T> ? T : never;

const filter: fc.Arbitrary<ImageFilter> = fc.oneof(
	fc.record({
		field: fc.constantFrom('name', 'status', 'containerFormat', 'diskFormat', 'owner', 'checksum', 'hashValue', 'id'),
		oneOf: fc.array(
			fc.oneof(
				text,
				project,
				fc.constantFrom('raw', 'bare', 'active', 'queued', 'killed', imageId(2), dataOp(imageId(1)).checksum),
			),
			{ minLength: 1, maxLength: 3 },
		),
	}) as fc.Arbitrary<ImageFilter>,
	fc.record(
		{
			field: fc.constantFrom('size', 'minRam', 'minDisk', 'virtualSize'),
			min: fc.nat(2000),
			max: fc.integer({ min: 500, max: 3000 }),
		},
		{ requiredKeys: ['field'] },
	) as fc.Arbitrary<ImageFilter>,
	fc.record({
		field: fc.constantFrom('createdAt', 'updatedAt'),
		op: fc.constantFrom('gt', 'gte', 'lt', 'lte', 'eq', 'neq'),
		value: fc.integer({ min: START, max: START + 10 }),
	}) as fc.Arbitrary<ImageFilter>,
	fc.record({ field: fc.constantFrom('protected', 'hidden'), is: fc.boolean() }) as fc.Arbitrary<ImageFilter>,
	fc.record({
		field: fc.constant('visibility'),
		is: fc.constantFrom('public', 'private', 'shared', 'community'),
	}) as fc.Arbitrary<ImageFilter>,
	fc.record({ field: fc.constant('tag'), value: text }) as fc.Arbitrary<ImageFilter>,
	fc.record({
		field: fc.constant('property'),
		name: fc.constantFrom('os', 'arch', 'x'.repeat(80)),
		value: text,
	}) as fc.Arbitrary<ImageFilter>,
);

const sort: fc.Arbitrary<readonly SortTerm[]> = fc
	.array(fc.record({ key: fc.constantFrom(...SORT_KEYS), descending: fc.boolean() }), { maxLength: 2 })
	.chain((terms) =>
		fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()).map(([one, created, id]) => {
			const direction = terms[0]?.descending ?? created;
			return [
				...terms,
				{ key: 'createdAt', descending: one ? direction : created },
				{ key: 'id', descending: one ? direction : id },
			] as const;
		}),
	);

const query = fc.record({
	filters: fc.oneof(fc.constant([]), fc.array(filter, { maxLength: 2 })),
	sort,
	limit: fc.integer({ min: 1, max: 7 }),
	withCommunity: fc.boolean(),
	memberStatus: fc.constantFrom(...MEMBER_STATUSES, 'all' as const),
	viewer: fc.record({ project: fc.option(project), admin: fc.boolean() }),
});

function opsOf({ fields: chosen, members: shared, life, seed }: Recipe, id: string): readonly Op[] {
	const data = dataOp(id, 1 + (seed % 3));
	const steps: Op[] = [
		createOp(id, chosen),
		{ type: 'image.status', id, status: 'saving' },
		life === 3 ? { type: 'image.status', id, status: 'killed' } : data,
		life === 5 ? { type: 'image.delete', id } : { type: 'image.update', id, set: { name: chosen.tags[0] ?? null } },
	];
	const sharing = shared.flatMap(([member, status]): readonly Op[] => [
		{ type: 'member.add', id, member },
		{ type: 'member.status', id, member, status },
	]);
	return steps.slice(0, life === 4 || life === 5 ? 4 : Math.min(life + 1, 3)).toSpliced(1, 0, ...sharing);
}

async function filled(recipes: readonly Recipe[]): Promise<LocalCatalogue> {
	const self = logWriter('centre');
	let now = START;
	const catalogue = await openCatalogue({
		kv: memoryKeyValue(),
		signer: self.signer,
		trust: logTrust,
		clock: () => now,
		log: silentLog,
	});
	await catalogue.commit([self.announce]);
	for (const [index, made] of recipes.entries()) {
		now += made.later;
		await catalogue.commit(opsOf(made, imageId(((index * 7 + made.seed) % 1000) + index * 1000)));
	}
	return catalogue;
}

async function allOf(catalogue: LocalCatalogue): Promise<readonly Image[]> {
	const statuses = ['queued', 'saving', 'active', 'killed'] as const;
	const found = await Promise.all(statuses.map((status) => Array.fromAsync(catalogue.imagesIn(status))));
	return found.flat();
}

const encoded = new Map<unknown, Buffer>();

function utf8(value: unknown): Buffer {
	const bytes = encoded.get(value) ?? Buffer.from(String(value ?? ''));
	encoded.set(value, bytes);
	return bytes;
}

/** The meaning of a list, in the plainest words there are. */
function expected(all: readonly Image[], query: ImageQuery): readonly Image[] {
	const { filters, sort: terms, viewer } = query;
	const eyes: Viewer = viewer ?? { project: null, admin: true };
	const passes = (image: Image, f: ImageFilter): boolean => {
		if (f.field === 'tag') return image.tags.includes(f.value);
		if (f.field === 'property') return new Map(Object.entries(image.properties)).get(f.name) === f.value;
		const value = image[f.field];
		if ('is' in f) return value === f.is;
		if ('oneOf' in f) return typeof value === 'string' && f.oneOf.includes(value);
		if ('op' in f) {
			const difference = Number(value) - f.value;
			const holds = {
				gt: difference > 0,
				gte: difference >= 0,
				lt: difference < 0,
				lte: difference <= 0,
				eq: difference === 0,
				neq: difference !== 0,
			};
			return holds[f.op];
		}
		if (f.min === undefined && f.max === undefined) return true;
		return typeof value === 'number' && value >= (f.min ?? 0) && value <= (f.max ?? Number.MAX_SAFE_INTEGER);
	};
	const compare = (a: Image, b: Image): number => {
		for (const { key, descending } of terms) {
			const [x, y] = [a[key], b[key]];
			const order =
				typeof x === 'number' || typeof y === 'number' || key === 'size'
					? Number(x ?? 0) - Number(y ?? 0)
					: Buffer.compare(utf8(x), utf8(y));
			if (order !== 0) return descending ? -order : order;
		}
		return 0;
	};
	return all.filter((image) => isListed(eyes, query, image) && filters.every((f) => passes(image, f))).sort(compare);
}

async function paged(catalogue: LocalCatalogue, query: ImageQuery): Promise<readonly string[]> {
	const ids: string[] = [];
	for (;;) {
		const marker = ids.at(-1);
		const page = await catalogue.images(marker === undefined ? query : { ...query, marker });
		assert.ok(page.images.length <= query.limit);
		assert.equal(page.full, page.images.length === query.limit);
		ids.push(...page.images.map((image) => image.id));
		if (!page.full) return ids;
	}
}

describe('catalogue list', () => {
	it('pages through exactly what filtering and sorting everything gives', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(recipe, { maxLength: 25 }),
				fc.array(query, { minLength: 5, maxLength: 5 }),
				async (recipes, queries) => {
					const catalogue = await filled(recipes);
					const all = await allOf(catalogue);
					for (const one of queries) {
						const want = expected(all, one).map((image) => image.id);
						assert.deepEqual(await paged(catalogue, one), want);
					}
				},
			),
			{ numRuns: RUNS },
		);
	});

	it('walks back what it walked forth', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(recipe, { maxLength: 20 }), query, async (recipes, one) => {
				const catalogue = await filled(recipes);
				const forth = await paged(catalogue, one);
				const back = await paged(catalogue, {
					...one,
					sort: one.sort.map((term) => ({ ...term, descending: !term.descending })),
				});
				assert.deepEqual(back, forth.toReversed());
			}),
			{ numRuns: RUNS / 3 },
		);
	});

	it('continues after any image that can be seen, listed or not, and refuses any other marker', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(recipe, { minLength: 1, maxLength: 20 }), query, fc.nat(), async (recipes, one, pick) => {
				const catalogue = await filled(recipes);
				const all = await allOf(catalogue);
				const marker = all[pick % Math.max(all.length, 1)];
				if (!marker) return;
				const asked = catalogue.images({ ...one, marker: marker.id });
				if (!canSee(one.viewer, marker)) {
					await assert.rejects(asked, (error) => codeOf(error) === 'invalid');
					return;
				}
				const order = expected([...all, { ...marker, status: 'active' as const }], {
					...one,
					filters: [],
					viewer: { project: null, admin: true },
					withCommunity: true,
				});
				const after = new Set(order.slice(order.findLastIndex((image) => image.id === marker.id) + 1).map((image) => image.id));
				if (one.sort.some((term) => term.key === 'status')) return void (await asked);
				const want = expected(all, one).filter((image) => after.has(image.id));
				assert.deepEqual(
					(await asked).images.map((image) => image.id),
					want.slice(0, one.limit).map((image) => image.id),
				);
			}),
			{ numRuns: RUNS },
		);
	});

	it('refuses an unknown marker and gives nothing for a limit of nothing', async () => {
		const catalogue = await filled([]);
		const sortById = [{ key: 'id', descending: false }] as const;
		const plain = { filters: [], sort: sortById, limit: 0, withCommunity: false };
		assert.deepEqual(await catalogue.images(plain), { images: [], full: false });
		await assert.rejects(catalogue.images({ ...plain, marker: imageId(5) }), (error) => codeOf(error) === 'invalid');
	});

	it('keeps its order among very many images of one instant', async () => {
		const recipes = Array.from(
			{ length: 2200 },
			(_, n): Recipe => ({
				fields: { ...plainFields, name: `n${n % 11}` },
				members: [],
				life: 2,
				later: n === 2150 ? 1 : 0,
				seed: n * 13,
			}),
		);
		const catalogue = await filled(recipes);
		const all = await allOf(catalogue);
		for (const middle of [undefined, 'name', 'size'] as const)
			for (const descending of [false, true]) {
				const terms = middle ? [{ key: middle, descending: true }] : [];
				const one: ImageQuery = {
					filters: [],
					sort: [{ key: 'createdAt', descending }, ...terms, { key: 'id', descending: !descending }],
					limit: 499,
					withCommunity: true,
				};
				assert.deepEqual(
					await paged(catalogue, one),
					expected(all, one).map((image) => image.id),
				);
			}
	});

	it('fills its pages when most candidates fail the filters', async () => {
		const recipes = Array.from(
			{ length: 1300 },
			(_, n): Recipe => ({
				fields: { ...plainFields, visibility: n % 2 === 0 ? 'public' : 'private', tags: n % 4 === 0 ? ['some'] : [] },
				members: [],
				life: 2,
				later: n % 3 === 0 ? 1 : 0,
				seed: n * 17,
			}),
		);
		const catalogue = await filled(recipes);
		const all = await allOf(catalogue);
		const sorts: readonly (readonly SortTerm[])[] = [
			[{ key: 'size', descending: true }],
			[{ key: 'updatedAt', descending: false }],
			[{ key: 'id', descending: true }],
			[
				{ key: 'containerFormat', descending: false },
				{ key: 'createdAt', descending: true },
			],
			[
				{ key: 'size', descending: false },
				{ key: 'diskFormat', descending: true },
			],
		];
		for (const filters of [[], [{ field: 'tag', value: 'some' } as const]])
			for (const terms of sorts)
				for (const viewer of [
					{ project: null, admin: true },
					{ project: 'p', admin: false },
					{ project: 'q', admin: false },
				]) {
					const rest = [
						{ key: 'createdAt', descending: true },
						{ key: 'id', descending: false },
					] as const;
					const one: ImageQuery = { filters, sort: [...terms, ...rest], limit: 290, withCommunity: false, viewer };
					assert.deepEqual(
						await paged(catalogue, one),
						expected(all, one).map((image) => image.id),
					);
				}
	});

	it('finds the rare among many by any filter, in any order', async () => {
		const recipes = Array.from(
			{ length: 600 },
			(_, n): Recipe => ({
				fields: {
					name: `n${n % 300}`,
					visibility: n % 3 === 0 ? 'public' : 'shared',
					owner: PROJECTS[n % 3] ?? null,
					protected: false,
					hidden: n % 50 === 0,
					minDisk: 0,
					minRam: 0,
					diskFormat: n % 100 === 0 ? 'raw' : 'qcow2',
					containerFormat: 'bare',
					tags: n % 200 === 1 ? ['rare', 'all'] : ['all'],
					properties: { os: n % 2 === 0 ? 'linux' : 'bsd' },
				},
				members: n % 5 === 0 ? [['p', n % 10 === 0 ? 'accepted' : 'pending']] : [],
				life: 2,
				later: n % 4 === 0 ? 1 : 0,
				seed: n,
			}),
		);
		const catalogue = await filled(recipes);
		const all = await allOf(catalogue);
		const filters: readonly (readonly ImageFilter[])[] = [
			[{ field: 'tag', value: 'rare' }],
			[
				{ field: 'tag', value: 'all' },
				{ field: 'property', name: 'os', value: 'linux' },
			],
			[
				{ field: 'status', oneOf: ['active'] },
				{ field: 'hidden', is: false },
			],
			[{ field: 'status', oneOf: ['active', 'queued'] }],
			[
				{ field: 'diskFormat', oneOf: ['raw'] },
				{ field: 'tag', value: 'all' },
			],
			[{ field: 'name', oneOf: ['n7', 'n8'] }],
			[{ field: 'size', min: 2000 }],
			[],
		];
		for (const chosen of filters)
			for (const key of SORT_KEYS)
				for (const descending of [false, true])
					for (const mixed of [false, true])
						for (const second of chosen.length === 0 || chosen[0]?.field === 'status'
							? ([undefined, 'name', 'size'] as const)
							: [undefined])
							for (const viewer of [
								{ project: null, admin: true },
								{ project: 'p', admin: false },
							]) {
								const rest = [
									{ key: 'createdAt', descending: descending !== mixed },
									{ key: 'id', descending: descending !== mixed },
								] as const;
								const one: ImageQuery = {
									filters: chosen,
									sort: [{ key, descending }, ...(second ? [{ key: second, descending: mixed }] : []), ...rest],
									limit: 300,
									withCommunity: true,
									viewer,
								};
								const want = expected(all, one).map((image) => image.id);
								assert.deepEqual(await paged(catalogue, one), want, JSON.stringify(one));
							}
	});
});
