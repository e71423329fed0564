import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../../test/support/node-process.ts';
import { type Bench, MIB, type Row, type Sample, type Subject, watched } from '../harness.ts';
import { payloadFile } from '../payload.ts';
import { type Backend, openBackends } from '../stores/backends.ts';

const PEER = fileURLToPath(new URL('../peers/store.ts', import.meta.url));
const NOWHERE = '/dev/null';
const QUICK_BYTES = 64 * MIB;
/** above what the process held when its store was open */
const MEMORY_MIB = 150;

export const storesRow: Row = {
	name: 'stores',
	about: "one image put into every type of store and got back, next to the server's own tool",
	async run(bench) {
		const size = bench.quick ? QUICK_BYTES : bench.sizes.image;
		await using backends = await openBackends(bench.dir);
		for (const [type, reason] of backends.missing) bench.report.say({ kind: 'skipped', name: `stores: ${type}`, reason });
		const file = await payloadFile(bench.dir, 'object.bin', size);
		for (const backend of backends.all) await compare(bench, backend, { path: file, size });
		await rm(file);
		if (bench.scale) await measureMemory(bench, backends.all);
	},
};

interface Payload {
	readonly path: string;
	/** bytes */
	readonly size: number;
}

async function compare({ dir, runs, report }: Bench, backend: Backend, { path, size }: Payload): Promise<void> {
	const { type, tool } = backend;
	await using sundog = await openSundog(dir, backend, path);
	const out = tool.getsFiles ? join(dir, 'got.bin') : undefined;
	const about =
		`an image of ${size / MIB} MiB by a process of its own, from its start to its end. Ours compares what it sends with its ` +
		"digests; cp is followed by sync, and rbd import by what makes it Glance's: a protected snapshot. What is got is thrown away, " +
		'but by cp and beside it';
	const rate = ({ seconds, cpuSeconds, peakRssBytes }: Took): Sample => ({
		value: size / MIB / seconds,
		...{ cpuSeconds, peakRssBytes, bytes: size },
	});
	const subject = (verb: string, who: string, run: () => Promise<Sample>): Subject => ({
		name: `stores: ${type} ${verb}, ${who}`,
		unit: 'MiB/s',
		about,
		run,
	});
	const puts = await report.measure(
		[
			subject('put', 'sundog', async () => {
				const put = await sundog.put();
				await sundog.remove(put.result);
				return rate(put);
			}),
			subject('put', tool.name, async () => {
				const place = randomUUID();
				const took = await watched(...words(tool.put(path, place)), tool.env);
				await watched(...words(tool.remove(place)), tool.env);
				return rate(took);
			}),
		],
		runs,
	);
	const { result: location } = await sundog.put();
	const place = randomUUID();
	await watched(...words(tool.put(path, place)), tool.env);
	const gets = await report.measure(
		[
			subject('get', 'sundog', async () => rate(await removing(out, sundog.get(location, out ?? NOWHERE)))),
			subject('get', tool.name, async () =>
				rate(await removing(out, watched(...words(tool.get(place, out ?? NOWHERE)), tool.env))),
			),
		],
		runs,
	);
	await sundog.remove(location);
	await watched(...words(tool.remove(place)), tool.env);
	report.ratio(`stores: ${type} put`, ...puts, tool.leastRatio);
	report.ratio(`stores: ${type} get`, ...gets, tool.leastRatio);
}

/** The most memory while a large object goes in and comes out, above what the open store holds. */
async function measureMemory({ dir, sizes, report }: Bench, backends: readonly Backend[]): Promise<void> {
	const file = await payloadFile(dir, 'large-object.bin', sizes.large);
	for (const backend of backends) {
		await using sundog = await openSundog(dir, backend, file);
		const put = await sundog.put();
		const got = await sundog.get(put.result, NOWHERE);
		await sundog.remove(put.result);
		for (const [verb, took] of Object.entries({ put, get: got })) {
			const value = (took.peakRssBytes - took.idleRssBytes) / MIB;
			const name = `stores: ${backend.type} ${verb}, memory`;
			const about = `VmHWM with ${sizes.large / MIB} MiB above VmRSS with the store open`;
			report.bound(name, report.single({ name, unit: 'MiB', about }, [value]), value, { below: MEMORY_MIB });
		}
	}
}

interface Took {
	readonly seconds: number;
	readonly cpuSeconds: number;
	readonly peakRssBytes: number;
}

interface OurTook extends Took {
	readonly idleRssBytes: number;
	/** where the object is */
	readonly result: string;
}

/** A node's store, and the contents of that node with one image in them. */
interface Sundog extends AsyncDisposable {
	put(): Promise<OurTook>;
	get(location: string, file: string): Promise<OurTook>;
	remove(location: string): Promise<OurTook>;
}

async function openSundog(dir: string, { type, options }: Backend, file: string): Promise<Sundog> {
	const contents = join(dir, `contents-${type}`);
	const env = { ...process.env, BENCH_STORE: JSON.stringify({ type, options }), BENCH_CONTENTS: contents };
	const run = async (...args: readonly string[]): Promise<OurTook> => {
		const { stdout, ...took } = await watched(process.execPath, [...NODE_FLAGS, PEER, ...args], env);
		return { ...took, ...(JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as OurTook) };
	};
	const { result: content } = await run('take', file);
	return {
		put: () => run('put', content, randomUUID()),
		get: (location, into) => run('get', into, location),
		remove: (location) => run('remove', location),
		[Symbol.asyncDispose]: () => rm(contents, { recursive: true }),
	};
}

function words([command, ...args]: readonly [string, ...string[]]): [command: string, args: readonly string[]] {
	return [command, args];
}

/** `path`: of this run alone */
async function removing<T>(path: string | undefined, work: Promise<T>): Promise<T> {
	try {
		return await work;
	} finally {
		if (path !== undefined) await rm(path, { force: true });
	}
}
