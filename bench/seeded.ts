/** Catalogues of many images, ready for a node. */
import { existsSync } from 'node:fs';
import { constants, cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createImageClient, type ImageBody, storesOf } from '../test/support/image-client.ts';
import { type NodeProcess, startNode } from '../test/support/node-process.ts';
import { sampleContent } from '../test/support/sample-content.ts';
import { type Bench, runPeer } from './harness.ts';

const MODELS = 64;
const START_TIMEOUT_MS = 300_000;
const QUIET_CPU_S = 0.05;
const MARK = 'seeded.json';

export interface SeededCatalogue {
	readonly dataDir: string;
	/** one of the real images that the others share their contents with */
	readonly model: string;
}

/**
 * A fresh one in the bench's directory. Where SUNDOG_BENCH_CATALOGUES names a folder they are made there once, since a
 * million images take a quarter of an hour, and copied from there.
 */
export async function seededCatalogue({ dir, report }: Pick<Bench, 'dir' | 'report'>, images: number): Promise<SeededCatalogue> {
	const kept = process.env.SUNDOG_BENCH_CATALOGUES;
	const made = join(kept ?? (await mkdtemp(join(dir, 'made-'))), `images-${images}`);
	if (!existsSync(join(made, MARK))) {
		const { id } = await modelImages(made);
		const { seconds } = await runPeer<{ seconds: number }>('seed-catalogue', [made, String(images)]);
		report.progress(`  ${images} images written in ${seconds.toFixed(1)} s`);
		await writeFile(join(made, MARK), JSON.stringify({ model: id }));
	}
	const { model } = JSON.parse(await readFile(join(made, MARK), 'utf8')) as { model: string };
	if (kept === undefined) return { dataDir: made, model };
	const dataDir = await mkdtemp(join(dir, `images-${images}-`));
	await cp(made, dataDir, { recursive: true, mode: constants.COPYFILE_FICLONE });
	return { dataDir, model };
}

/** A node that has started and has looked through its images, as every node does after its start. */
export async function startQuietNode(dataDir: string, env: Readonly<Record<string, string>> = {}): Promise<NodeProcess> {
	const node = await startNode({ dataDir, env, readyTimeoutMs: START_TIMEOUT_MS });
	for (let before = node.cpuSeconds(); ; before = node.cpuSeconds()) {
		await pause(1000);
		if (node.cpuSeconds() - before <= QUIET_CPU_S) return node;
	}
}

/** Real images of different sizes: the seeded records share their contents, so that the node finds nothing amiss with them. */
async function modelImages(dataDir: string): Promise<ImageBody> {
	await using node = await startNode({ dataDir });
	using client = createImageClient(node.http);
	const images = [];
	for (let model = 1; model <= MODELS; model++) images.push(await client.add(sampleContent(`model ${model}`, model * 1000)));
	// Seeded, so that the records made after them are complete.
	for (const { id } of images) await client.until(id, 'in the backend', (now) => storesOf(now).includes('file'));
	await node.stop();
	return images[0] as ImageBody;
}
