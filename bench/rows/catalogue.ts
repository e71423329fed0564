import { createImageClient } from '../../test/support/image-client.ts';
import { startNode } from '../../test/support/node-process.ts';
import { MIB, median, percentile, type Row, timed } from '../harness.ts';
import { closedLoop, openLoop } from '../load.ts';
import { seededCatalogue } from '../seeded.ts';

const LIST_PER_SECOND = 50;
const LIST_P99_MS = 25;
const SHOW_PER_SECOND = 2000;
const CONNECTIONS = 16;
const PAGE = 25;

/** What users ask: by name, by status and property, by owner's tag; each sorted otherwise, some from the middle of the list. */
const QUERIES: readonly string[] = [
	`limit=${PAGE}&status=active&sort=name:asc`,
	`limit=${PAGE}&disk_format=qcow2&sort=created_at:desc`,
	`limit=${PAGE}&os_distro=debian&sort=name:desc`,
	`limit=${PAGE}&tag=nightly&sort=updated_at:desc`,
	`limit=${PAGE}&visibility=public&size_min=1&sort=size:desc,name:asc`,
];

export const catalogueRow: Row = {
	name: 'catalogue',
	about: 'lists of 25 and single shows over a catalogue of many images',
	async run({ dir, sizes, quick, runs, report }) {
		const { dataDir, model } = await seededCatalogue({ dir, report }, sizes.images);
		await using node = await startNode({ dataDir, readyTimeoutMs: 120_000 });
		report.single({ name: 'catalogue: start', unit: 'ms', about: `start of a node with ${sizes.images} images` }, [node.startMs]);
		using client = createImageClient(node.http);
		for (const query of QUERIES) {
			const { length } = await client.list(`?${query}`);
			if (length !== PAGE) throw new Error(`${query} gave ${length} images`);
		}
		const markers = (await client.list('?limit=1000&sort=name:asc')).map((image) => image.id);
		const url = (n: number) => {
			const query = QUERIES[n % QUERIES.length];
			// Every third request turns a page, as a user with a long list does.
			return `${node.http}/v2/images?${query}${n % 3 === 0 && n % QUERIES.length === 0 ? `&marker=${markers[n % markers.length]}` : ''}`;
		};
		await openLoop({ perSecond: LIST_PER_SECOND, seconds: 2, url });

		const seconds99 = quick ? 4 : 20;
		const about = `page of ${PAGE} of ${sizes.images} images, filtered and sorted, ${LIST_PER_SECOND} requests/s in an open loop for ${seconds99} s, from the appointed time`;
		const rounds: (readonly number[])[] = [];
		for (let round = 0; round < runs; round++)
			rounds.push(await openLoop({ perSecond: LIST_PER_SECOND, seconds: seconds99, url }));
		report.single({ name: 'catalogue: list, median', unit: 'ms', about }, rounds.map(median));
		const p99 = report.single(
			{ name: 'catalogue: list, p99', unit: 'ms', about },
			rounds.map((waits) => percentile(waits, 0.99)),
		);
		report.bound('99th percentile of a list', p99, p99.median, { below: LIST_P99_MS });

		const showUrl = `${node.http}/v2/images/${model}`;
		const showSeconds = quick ? 3 : 10;
		const rates: number[] = [];
		for (let round = 0; round < runs; round++) rates.push(await showRate(showUrl, showSeconds));
		const tool = `${CONNECTIONS} connections for ${showSeconds} s, generator on the same cores`;
		const show = report.single({ name: 'catalogue: show', unit: 'requests/s', about: `GET of one image, ${tool}` }, rates, {
			peakRssBytes: node.peakRss(),
		});
		report.bound('shows per second', show, show.median, { atLeast: SHOW_PER_SECOND });
		report.single(
			{ name: 'catalogue: memory', unit: 'MiB', about: `VmRSS of the node with ${sizes.images} images after the load` },
			[node.rss() / MIB],
		);
	},
};

/** wrk where it is installed, since it costs the shared cores least. */
async function showRate(url: string, seconds: number): Promise<number> {
	const wrk = await timed('wrk', ['-t', '1', '-c', String(CONNECTIONS), '-d', `${seconds}s`, url]).catch(() => undefined);
	if (wrk === undefined) return closedLoop(url, CONNECTIONS, seconds);
	if (wrk.stdout.includes('Non-2xx')) throw new Error(wrk.stdout);
	return Number(wrk.stdout.match(/Requests\/sec:\s+([\d.]+)/)?.[1]);
}
