import type { Bench, Measurement, Row, Subject } from '../harness.ts';
import { load } from '../keep-alive.ts';
import { seededCatalogue, startQuietNode } from '../seeded.ts';

const PAGE = 25;
const CONNECTIONS = 8;
const SECONDS = 5;
const QUICK_SECONDS = 2;
const WARM_UP_SECONDS = 3;
const GROWTH_MAX = 1.5;
const FULL = [1000, 10_000, 100_000];
const QUICK = [500, 5000];
const MILLION = 1_000_000;

/** What is asked of every size of catalogue: orders and filters that have an index. */
const LISTS: Readonly<Record<string, string>> = {
	'newest first': `limit=${PAGE}`,
	'by name': `limit=${PAGE}&status=active&sort=name:asc`,
	'of a property': `limit=${PAGE}&os_distro=debian&sort=name:desc`,
	'of a tag': `limit=${PAGE}&tag=nightly&sort=name:asc`,
};

export const scalingRow: Row = {
	name: 'scaling',
	about: 'what a list of 25 costs in catalogues of 1,000 to 100,000 images, and of 1,000,000 with --scale',
	async run(bench) {
		const { quick, scale, runs, report } = bench;
		const sizes = [...(quick ? QUICK : FULL), ...(scale ? [MILLION] : [])];
		await using stack = new AsyncDisposableStack();
		const nodes: Node[] = [];
		for (const images of sizes) nodes.push({ images, node: stack.use(await nodeWith(bench, images)) });
		for (const { node } of nodes) for (const query of Object.values(LISTS)) await listFor(node, query, WARM_UP_SECONDS);
		for (const [list, query] of Object.entries(LISTS)) {
			const subjects = nodes.map((each) => subjectOf(each, list, query, quick ? QUICK_SECONDS : SECONDS));
			const measured: readonly Measurement[] = await report.measure(subjects, runs);
			const [least, most] = [measured[0], measured.at(-1)] as [Measurement, Measurement];
			report.ratio(`growth of a list ${list}`, most, least, { below: GROWTH_MAX });
		}
	},
};

type NodeProcess = Awaited<ReturnType<typeof startQuietNode>>;

interface Node {
	readonly images: number;
	readonly node: NodeProcess;
}

async function nodeWith(bench: Bench, images: number): Promise<NodeProcess> {
	const { dataDir } = await seededCatalogue(bench, images);
	const startedAt = performance.now();
	const node = await startQuietNode(dataDir);
	bench.report.single({ name: `scaling: start, ${images} images`, unit: 'ms', about: 'from spawn to the ready line' }, [
		node.startMs,
	]);
	bench.report.single(
		{
			name: `scaling: settled, ${images} images`,
			unit: 's',
			about: 'from spawn until all images have been looked through in the background',
		},
		[(performance.now() - startedAt) / 1000],
	);
	return node;
}

/** CPU time tells what a request costs whatever else the machine does meanwhile. */
function subjectOf({ images, node }: Node, list: string, query: string, seconds: number): Subject {
	return {
		name: `scaling: list ${list}, ${images} images`,
		unit: 'ms CPU/request',
		about: `GET of ${PAGE} images, ${query}; ${CONNECTIONS} connections for ${seconds} s`,
		async run() {
			const before = node.cpuSeconds();
			const answered = await listFor(node, query, seconds);
			return { value: ((node.cpuSeconds() - before) * 1000) / answered, peakRssBytes: node.peakRss() };
		},
	};
}

async function listFor(node: NodeProcess, query: string, seconds: number): Promise<number> {
	const request = { method: 'GET', path: `/v2/images?${query}` };
	const { waits } = await load({ url: node.http, connections: CONNECTIONS, seconds, status: 200, next: () => request });
	return waits.length;
}
