/**
 * A process that works on a content store until it is killed: `content-worker.ts <directory> <upload|fetch> <seed>`.
 * It prints a line for each thing it has been promised: `kept <root> <size> <seed>` after an upload or a completed fetch,
 * and `dropping <root>` before it gives one of them up.
 */
import { openLevel } from '#catalogue/level/key-value.ts';
import { openContentStore } from '#content/content-store.ts';
import { memoryLedger } from '#content/ledger.ts';
import { rootOf } from '#content/manifest.ts';
import type { BlockSource } from '#content/ports.ts';
import { silentLog } from '#lib/log.ts';
import { MiB } from '#lib/sizes.ts';
import { testSources } from './block-sources.ts';
import { contentOf, digestsOf } from './crash-contents.ts';

const [directory = '', mode = '', firstSeed = ''] = process.argv.slice(2);
const database = await openLevel(`${directory}/index`);
const signal = new AbortController().signal;
/** A holder of every content there could be; a little slow, so that a kill falls into the middle. */
const everything: BlockSource = {
	name: 'everything',
	kind: 'peer',
	manifest: async ({ root }) => digestsOf(wanted.get(root) ?? 0),
	open: async ({ root }) => {
		const bytes = contentOf(wanted.get(root) ?? 0);
		return {
			depth: 4,
			async fetch(index, into) {
				await new Promise((resolve) => setTimeout(resolve, 2));
				into.set(bytes.subarray(index * MiB, index * MiB + into.length));
			},
			[Symbol.asyncDispose]: async () => undefined,
		};
	},
};
const wanted = new Map<string, number>();
const store = await openContentStore({
	directory: `${directory}/content`,
	index: database.sub('content/'),
	sources: testSources(everything),
	ledger: memoryLedger(),
	shareBlocks: true,
	log: silentLog,
	limits: { checkpointBlocks: 2, checkpointMs: 5 },
});
process.stdout.write('open\n');
for (let seed = Number(firstSeed); ; seed++) {
	const bytes = contentOf(seed);
	const root = rootOf(digestsOf(seed), bytes.length, MiB);
	wanted.set(root, seed);
	if (mode === 'upload')
		await (await store.write(pieces(bytes), { hashAlgorithm: 'sha512', maxBytes: bytes.length, signal }))[Symbol.asyncDispose]();
	else await store.complete({ root, size: bytes.length, blockSize: MiB }, { signal });
	process.stdout.write(`kept ${root} ${bytes.length} ${seed}\n`);
	if (seed % 3 === 2) {
		process.stdout.write(`dropping ${root}\n`);
		await store.collect(async (other) => other !== root);
	}
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
	for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}
