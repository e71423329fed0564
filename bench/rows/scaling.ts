import { meet } from '../glance/verbs.ts';
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

interface List {
	readonly query: string;
	/** how much more the largest catalogue may ask for than the smallest; none: it is told, not judged */
	readonly growthMax?: number;
	/** another page each time, so that most of what is read was not read before: the larger the catalogue, the more of it */
	readonly fromAnywhere?: boolean;
}

/** What is asked of every size of catalogue: orders and filters that have an index. */
const LISTS: Readonly<Record<string, List>> = {
	'newest first': { query: `limit=${PAGE}`, growthMax: GROWTH_MAX },
	'by name': { query: `limit=${PAGE}&status=active&sort=name:asc`, growthMax: GROWTH_MAX },
	'of a property': { query: `limit=${PAGE}&os_distro=debian&sort=name:desc`, growthMax: GROWTH_MAX },
	'of a tag': { query: `limit=${PAGE}&tag=nightly&sort=name:asc`, growthMax: GROWTH_MAX },
	'from anywhere': { query: `limit=${PAGE}`, fromAnywhere: true },
};

export const scalingRow: Row = {
	name: 'scaling',
	about: 'what a list of 25 costs in catalogues of 1,000 to 100,000 images, and of 1,000,000 with --scale',
	async run(bench) {
		const { quick, scale, runs, report } = bench;
		const sizes = [...(quick ? QUICK : FULL), ...(scale ? [MILLION] : [])];
		await using stack = new AsyncDisposableStack();
		const nodes: Node[] = [];
		for (const images of sizes) {
			const node = stack.use(await nodeWith(bench, images));
			nodes.push({ images, node, ids: (await meet(node.http, {})).ids });
		}
		for (const each of nodes) for (const list of Object.values(LISTS)) await listFor(each, list, WARM_UP_SECONDS);
		for (const [name, list] of Object.entries(LISTS)) {
			const subjects = nodes.map((each) => subjectOf(each, name, list, quick ? QUICK_SECONDS : SECONDS));
			const measured: readonly Measurement[] = await report.measure(subjects, runs);
			const [least, most] = [measured[0], measured.at(-1)] as [Measurement, Measurement];
			if (list.growthMax !== undefined) report.ratio(`growth of a list ${name}`, most, least, { below: list.growthMax });
		}
	},
};

type NodeProcess = Awaited<ReturnType<typeof startQuietNode>>;

interface Node {
	readonly images: number;
	readonly node: NodeProcess;
	readonly ids: readonly string[];
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
function subjectOf(each: Node, name: string, list: List, seconds: number): Subject {
	const { images, node } = each;
	const pages = list.fromAnywhere ? 'the page after another image each time' : 'the same page again and again';
	return {
		name: `scaling: list ${name}, ${images} images`,
		unit: 'ms CPU/request',
		about: `GET of ${PAGE} images, ${list.query}, ${pages}; ${CONNECTIONS} connections for ${seconds} s`,
		async run() {
			const before = node.cpuSeconds();
			const answered = await listFor(each, list, seconds);
			return { value: ((node.cpuSeconds() - before) * 1000) / answered, peakRssBytes: node.peakRss() };
		},
	};
}

async function listFor({ node, ids }: Node, { query, fromAnywhere }: List, seconds: number): Promise<number> {
	let asked = 0;
	const marker = () => (fromAnywhere ? `&marker=${ids[asked++ % ids.length]}` : '');
	const next = () => ({ method: 'GET', path: `/v2/images?${query}${marker()}` });
	const { waits } = await load({ url: node.http, connections: CONNECTIONS, seconds, status: 200, next });
	return waits.length;
}
