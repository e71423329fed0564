/** The catalogue alone, called directly over LevelDB: commits a second, and lists of 25 by several filters and orders. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalCatalogue, openCatalogue } from '#catalogue/catalogue.ts';
import { openLevel } from '#catalogue/level/key-value.ts';
import type { LogSigner, LogTrust } from '#catalogue/ports.ts';
import type { Op } from '#domain/ops.ts';
import type { ImageFilter, ImageQuery, SortKey, SortTerm } from '#domain/query.ts';
import { silentLog } from '#lib/log.ts';

export interface BenchRow {
	readonly name: string;
	readonly value: number;
	readonly unit: string;
}

const PAGE = 25;
const OPS_A_COMMIT = 300;
const LISTS = 200;
const COMMITS = 1000;
const COMMITTERS = 16;
const FORMATS = ['qcow2', 'raw', 'vmdk', 'vhd', 'iso'];
const PROJECTS = 200;
const TAGS = 100;

/** Rows for a catalogue of `images` images. */
export async function benchCatalogue(images = 100_000): Promise<readonly BenchRow[]> {
	const dir = await mkdtemp(join(tmpdir(), 'sundog-bench-'));
	const kv = await openLevel(dir);
	try {
		const catalogue = await openCatalogue({ kv, ...oneNode(), log: silentLog });
		await catalogue.commit([{ type: 'node.announce', certificate: 'bench', addresses: [] }]);
		const fill = await timed(() => filled(catalogue, images));
		const rows: BenchRow[] = [{ name: `fill ${images}`, value: images / (fill / 1000), unit: 'images/s' }];
		for (const [name, queryOf] of Object.entries(QUERIES)) rows.push(...(await listRows(catalogue, name, images, queryOf)));
		rows.push(...(await commitRows(catalogue, images)));
		return rows;
	} finally {
		await kv.close();
		await rm(dir, { recursive: true, force: true });
	}
}

function oneNode(): { readonly signer: LogSigner; readonly trust: LogTrust } {
	const { privateKey } = generateKeyPairSync('ed25519');
	const signer: LogSigner = { log: 'bench', sign: (bytes) => sign(null, bytes, privateKey) };
	return { signer, trust: { verify: () => true, siteOf: () => 'centre' } };
}

const idOf = (n: number) =>
	`${((n * 2654435761) >>> 0).toString(16).padStart(8, '0')}-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
const rootOf = (n: number) => `bafybei${n.toString(2).replaceAll('0', 'a').replaceAll('1', 'b').padStart(52, 'a')}`;

function opsOf(n: number): readonly Op[] {
	const id = idOf(n);
	const fields = {
		name: `image-${(n * 7919) % 1_000_003}`,
		visibility: n % 10 === 0 ? 'public' : 'shared',
		owner: `project-${n % PROJECTS}`,
		protected: false,
		hidden: false,
		minDisk: 0,
		minRam: 0,
		diskFormat: FORMATS[n % FORMATS.length] ?? null,
		containerFormat: 'bare',
		tags: [`tag-${n % TAGS}`],
		properties: { os_distro: n % 3 === 0 ? 'debian' : 'fedora', build: String(n), arch: 'x86_64', hw_disk_bus: 'virtio' },
	} as const;
	const create: Op = { type: 'image.create', id, fields };
	if (n % 20 === 0) return [create];
	return [
		create,
		{ type: 'image.status', id, status: 'saving' },
		{
			type: 'image.data',
			id,
			content: { root: rootOf(n), size: (n * 31) % 100_000, blockSize: 1024 * 1024 },
			checksum: n.toString(16).padStart(32, '0'),
			hashAlgorithm: 'sha512',
			hashValue: n.toString(16).padStart(128, '0'),
			virtualSize: null,
		},
	];
}

async function filled(catalogue: LocalCatalogue, images: number): Promise<void> {
	let ops: Op[] = [];
	for (let n = 0; n < images; n++) {
		ops.push(...opsOf(n));
		if (ops.length < OPS_A_COMMIT && n < images - 1) continue;
		await catalogue.commit(ops);
		ops = [];
	}
}

type QueryOf = (n: number, images: number) => Pick<ImageQuery, 'filters' | 'sort' | 'viewer'>;

const by = (key: SortKey, descending = false, second?: SortKey): readonly SortTerm[] => [
	{ key, descending },
	...(second ? [{ key: second, descending: !descending }] : []),
	{ key: 'createdAt', descending },
	{ key: 'id', descending },
];
const property = (name: string, value: string): ImageFilter => ({ field: 'property', name, value });
const shown: ImageFilter = { field: 'hidden', is: false };
const project = (n: number) => ({ project: `project-${n % PROJECTS}`, admin: false });

const QUERIES: Readonly<Record<string, QueryOf>> = {
	'newest first': () => ({ filters: [shown], sort: by('createdAt', true) }),
	'newest first, a project': (n) => ({ filters: [shown], sort: by('createdAt', true), viewer: project(n) }),
	'by name, a project': (n) => ({ filters: [shown], sort: by('name'), viewer: project(n) }),
	'one name': (n, images) => ({
		filters: [{ field: 'name', oneOf: [`image-${((n % images) * 7919) % 1_000_003}`] }],
		sort: by('createdAt', true),
	}),
	'status, by name': () => ({ filters: [{ field: 'status', oneOf: ['active'] }, shown], sort: by('name') }),
	'disk format, by size': (n) => ({
		filters: [{ field: 'diskFormat', oneOf: [FORMATS[n % FORMATS.length] ?? ''] }],
		sort: by('size', true),
	}),
	'tag, newest first': (n) => ({ filters: [{ field: 'tag', value: `tag-${n % TAGS}` }], sort: by('createdAt', true) }),
	'tag, by update': (n) => ({ filters: [{ field: 'tag', value: `tag-${n % TAGS}` }], sort: by('updatedAt', true) }),
	'common property, by name': () => ({ filters: [property('os_distro', 'debian')], sort: by('name', true) }),
	'rare property, by size': (n) => ({ filters: [property('build', String(n))], sort: by('size') }),
	'owner, by status then name': (n) => ({
		filters: [{ field: 'owner', oneOf: [`project-${n % PROJECTS}`] }],
		sort: by('status', false, 'name'),
	}),
	'visibility and status, by id': () => ({
		filters: [
			{ field: 'visibility', is: 'public' },
			{ field: 'status', oneOf: ['queued'] },
		],
		sort: by('id'),
	}),
	'tag and disk format, a project': (n) => ({
		filters: [
			{ field: 'tag', value: `tag-${n % TAGS}` },
			{ field: 'diskFormat', oneOf: ['qcow2'] },
		],
		sort: by('name'),
		viewer: project(n),
	}),
	'by size then name': () => ({ filters: [{ field: 'size', min: 1 }], sort: by('size', true, 'name') }),
	'by status, newest first': () => ({ filters: [], sort: by('status', false, 'createdAt') }),
};

async function listRows(catalogue: LocalCatalogue, name: string, images: number, queryOf: QueryOf): Promise<readonly BenchRow[]> {
	const waits: number[] = [];
	let marker: string | undefined;
	for (let n = 0; n < LISTS; n++) {
		const query = { ...queryOf(n % 2 === 0 ? n : n - 1, images), limit: PAGE, withCommunity: false };
		const asked = n % 2 === 0 || marker === undefined ? query : { ...query, marker };
		const start = performance.now();
		const page = await catalogue.images(asked);
		waits.push(performance.now() - start);
		marker = page.images.at(-1)?.id;
	}
	waits.sort((a, b) => a - b);
	const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0;
	return [
		{ name: `list ${PAGE} of ${images}: ${name}, p50`, value: at(0.5), unit: 'ms' },
		{ name: `list ${PAGE} of ${images}: ${name}, p99`, value: at(0.99), unit: 'ms' },
	];
}

async function commitRows(catalogue: LocalCatalogue, from: number): Promise<readonly BenchRow[]> {
	let n = from;
	const create = () => catalogue.commit(opsOf(++n).slice(0, 1));
	const alone = await timed(async () => {
		for (let i = 0; i < COMMITS; i++) await create();
	});
	const together = await timed(async () => {
		await Promise.all(
			Array.from({ length: COMMITTERS }, async () => {
				for (let i = 0; i < COMMITS / COMMITTERS; i++) await create();
			}),
		);
	});
	return [
		{ name: 'durable commits, one at a time', value: COMMITS / (alone / 1000), unit: 'commits/s' },
		{ name: `durable commits, ${COMMITTERS} at a time`, value: COMMITS / (together / 1000), unit: 'commits/s' },
	];
}

async function timed(work: () => Promise<void>): Promise<number> {
	const start = performance.now();
	await work();
	return performance.now() - start;
}
