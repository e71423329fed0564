import { join } from 'node:path';
import { createImageClient } from '../../test/support/image-client.ts';
import { startNode } from '../../test/support/node-process.ts';
import { sampleContent } from '../../test/support/sample-content.ts';
import { curl, expectStatus } from '../curl.ts';
import { copyOnce } from '../exchange.ts';
import { MIB, type Row, type Subject } from '../harness.ts';
import { payloadFile } from '../payload.ts';

/*
 * Nothing is removed between rounds. On a virtual machine, page cache that was freed a moment ago costs a fifth of
 * page cache that the host has yet to provide; whoever writes after somebody's removal would be measured with a gift.
 */

const TLS_TARGET = 0.45;
const STOCK_TARGET = 1.3;

export const readThroughRow: Row = {
	name: 'read-through',
	about: 'an image that the edge lacks, from one peer to its client: fetched, verified, stored and streamed',
	async run({ dir, sizes, runs, report }) {
		const bytes = sizes.image;
		const file = await payloadFile(dir, 'read-through.bin', bytes);
		await using centre = await startNode({ dataDir: join(dir, 'rt-centre') });
		await using paris = await startNode({
			dataDir: join(dir, 'rt-paris'),
			site: 'paris',
			bootstrap: [centre.peer],
			join: await centre.invite('paris'),
		});
		using atCentre = createImageClient(centre.http);
		using atParis = createImageClient(paris.http);

		const sundog: Subject = {
			name: 'read-through: sundog',
			unit: 'MiB/s',
			about: 'GET …/file at an edge that has no block of it, to curl; CPU of both nodes',
			async run(round) {
				// Cold means: other bytes each time. Uploaded here, outside of what is timed.
				const image = await atCentre.add(sampleContent(`read-through ${round}`, bytes));
				await atParis.until(image.id, 'active at paris', ({ status }) => status === 'active');
				const cpu = () => centre.cpuSeconds() + paris.cpuSeconds();
				const before = cpu();
				const transfer = expectStatus(await curl([`${paris.http}/v2/images/${image.id}/file`]), 200);
				if (transfer.received !== bytes) throw new Error(`${transfer.received} bytes instead of ${bytes}`);
				const cpuSeconds = cpu() - before;
				return { value: bytes / MIB / transfer.seconds, cpuSeconds, bytes, peakRssBytes: paris.peakRss() };
			},
		};
		const peer = (name: string, way: string, about: string): Subject => ({
			name,
			unit: 'MiB/s',
			about,
			async run(round) {
				const to = join(dir, `${way}-${round}.bin`);
				const { seconds, cpuSeconds, serveCpuSeconds } = await copyOnce(way, { file, to, size: bytes });
				return { value: bytes / MIB / seconds, cpuSeconds: cpuSeconds + serveCpuSeconds, bytes };
			},
		});
		const [ours, tls, stock] = await report.measure(
			[
				sundog,
				peer(
					'read-through: node:tls copy',
					'bare-tls',
					'two processes: read, node:tls, sha2-256 of 1 MiB blocks, write; CPU of both',
				),
				peer(
					'read-through: stock libp2p copy',
					'stock-stream',
					'two processes: read, libp2p 3 with stock TCP, Noise and yamux, sha2-256 of 1 MiB blocks, write; CPU of both',
				),
			],
			runs,
		);
		report.ratio('read-through against a bare node:tls copy', ours, tls, TLS_TARGET);
		report.ratio('read-through against a stock libp2p stream', ours, stock, STOCK_TARGET);
	},
};
