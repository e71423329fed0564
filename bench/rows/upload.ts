import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assertTidy } from '../../test/support/data-dir.ts';
import { createImageClient } from '../../test/support/image-client.ts';
import { startNode } from '../../test/support/node-process.ts';
import { curl, expectStatus } from '../curl.ts';
import { MIB, type Row, runPeer, type Subject, timed } from '../harness.ts';
import { payloadFile } from '../payload.ts';

const TARGET = 0.6;

export const uploadRow: Row = {
	name: 'upload',
	about: 'one image over loopback, durable, with md5, sha512 and block sha2-256',
	async run({ dir, sizes, runs, report }) {
		const bytes = sizes.image;
		const file = await payloadFile(dir, 'upload.bin', bytes);
		await using node = await startNode({ dataDir: join(dir, 'upload') });
		using client = createImageClient(node.http);
		const rate = (seconds: number) => bytes / MIB / seconds;

		const sundog: Subject = {
			name: 'upload: sundog',
			unit: 'MiB/s',
			about: 'curl -T to PUT …/file; ends with the 204, when bytes and record are durable',
			async run() {
				const { id } = await client.create();
				const cpuBefore = node.cpuSeconds();
				const url = `${node.http}/v2/images/${id}/file`;
				const { seconds } = expectStatus(
					await curl(['-T', file, '-H', 'Content-Type: application/octet-stream', '-H', 'Expect:', url]),
					204,
				);
				const cpuSeconds = node.cpuSeconds() - cpuBefore;
				// The same bytes must be new again for the next round.
				await client.remove(id);
				await assertTidy({ node }, 0);
				return { value: rate(seconds), cpuSeconds, bytes, peakRssBytes: node.peakRss() };
			},
		};
		const hashes: Subject = {
			name: 'upload: hashes alone',
			unit: 'MiB/s',
			about:
				'reads the file into a shared ring; md5 in one thread, sha512 and sha2-256 of 1 MiB blocks in another; writes nothing',
			async run() {
				const { seconds, cpuSeconds } = await runPeer('hash-pipeline', [file]);
				return { value: rate(seconds), cpuSeconds, bytes };
			},
		};
		const copy: Subject = {
			name: 'upload: durable copy',
			unit: 'MiB/s',
			about: 'dd bs=1M conv=fsync of the file onto the same file system',
			async run() {
				const to = join(dir, 'copy.bin');
				const { seconds, cpuSeconds } = await timed('dd', [`if=${file}`, `of=${to}`, 'bs=1M', 'conv=fsync', 'status=none']);
				await rm(to);
				return { value: rate(seconds), cpuSeconds, bytes };
			},
		};
		const [ours, hashing, copying] = await report.measure([sundog, hashes, copy], runs);
		report.ratio(
			'upload against the slower of hashing and copying',
			ours,
			hashing.median < copying.median ? hashing : copying,
			TARGET,
		);
	},
};
