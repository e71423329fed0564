/**
 * `seed-catalogue.ts DATA_DIR COUNT`: writes COUNT images into the catalogue of a node that is not running, by the
 * same ops, signatures and indexes as the node itself. Each has the content of one of the images that
 * are there already and is said to be in the backend, so that the node has nothing to do for them when it starts. Prints {seconds, cpuSeconds}.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCatalogue } from '#catalogue/catalogue.ts';
import { openLevel } from '#catalogue/level/key-value.ts';
import type { Image } from '#domain/image.ts';
import type { Op } from '#domain/ops.ts';
import { createLogTrust } from '#fleet/log-trust.ts';
import { openNodeKey } from '#fleet/node-key.ts';
import { silentLog } from '#lib/log.ts';
import { type Random, seededRandom } from '../../test/support/random.ts';

const BATCH = 100;
const DISTROS = ['debian', 'ubuntu', 'fedora', 'rocky', 'alpine', 'opensuse', 'freebsd', 'windows'] as const;
const DISK_FORMATS = ['qcow2', 'raw', 'iso', 'vmdk'] as const;
const TAGS = ['nightly', 'stable', 'gpu', 'minimal', 'hardened'] as const;
const PROJECTS = Array.from({ length: 50 }, () => randomUUID());

const [dataDir, countText] = process.argv.slice(2);
if (dataDir === undefined || countText === undefined) throw new TypeError('seed-catalogue.ts DATA_DIR COUNT');
const count = Number(countText);

const startedAt = performance.now();
const before = process.cpuUsage();
await seed();
const { user, system } = process.cpuUsage(before);
process.stdout.write(
	`${JSON.stringify({ seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 })}\n`,
);

async function seed(): Promise<void> {
	const nodeKey = await openNodeKey(join(dataDir as string, 'identity.key'));
	const { fleet } = JSON.parse(await readFile(join(dataDir as string, 'membership.json'), 'utf8')) as { fleet: string };
	const db = await openLevel(join(dataDir as string, 'db'));
	const signer = { log: nodeKey.peerId, sign: nodeKey.sign };
	const catalogue = await openCatalogue({ kv: db.sub('catalogue/'), signer, trust: createLogTrust(fleet), log: silentLog });
	const models = await Array.fromAsync(catalogue.imagesIn('active'));
	if (models.length === 0) throw new Error(`no image in ${dataDir} has data`);
	const random = seededRandom(1);
	for (let done = 0; done < count; done += BATCH)
		await catalogue.commit(
			Array.from({ length: Math.min(BATCH, count - done) }, (_, at) => opsOf(done + at, models, random)).flat(),
		);
	await catalogue[Symbol.asyncDispose]();
	await db.close();
}

/** What an upload and its seeding leave in the log of the centre. */
function opsOf(index: number, models: readonly Image[], random: Random): readonly Op[] {
	const pick = <T>(choices: readonly T[]): T => choices[random.between(0, choices.length - 1)] as T;
	const { content, checksum, hashAlgorithm, hashValue, copies } = pick(models);
	if (content === null || checksum === null || hashAlgorithm === null || hashValue === null)
		throw new Error('the model has no data');
	const id = randomUUID();
	const distro = pick(DISTROS);
	const fields = {
		name: `${distro}-${random.between(8, 26)}.${random.between(0, 10)}-${index}`,
		visibility: random.next() < 0.3 ? ('public' as const) : ('shared' as const),
		owner: pick(PROJECTS),
		protected: random.next() < 0.1,
		hidden: false,
		minDisk: random.between(0, 40),
		minRam: random.between(0, 4096),
		diskFormat: pick(DISK_FORMATS),
		containerFormat: 'bare',
		tags: TAGS.filter(() => random.next() < 0.2),
		properties: { os_distro: distro, os_version: String(random.between(8, 26)), architecture: 'x86_64', hw_disk_bus: 'virtio' },
	};
	return [
		{ type: 'image.create', id, fields },
		{ type: 'image.status', id, status: 'saving' },
		{ type: 'image.data', id, content, checksum, hashAlgorithm, hashValue, virtualSize: null },
		...copies.map(({ store, kind }): Op => ({ type: 'copy.add', id, store, kind })),
	];
}
