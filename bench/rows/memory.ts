import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createImageClient } from '../../test/support/image-client.ts';
import { startNode } from '../../test/support/node-process.ts';
import { curl, expectStatus } from '../curl.ts';
import { MIB, type Row } from '../harness.ts';
import { payloadFile } from '../payload.ts';

const IDLE_SECONDS = 10;
const IDLE_MIB = 150;
const UPLOAD_PEAK_MIB = 350;

export const memoryRow: Row = {
	name: 'memory',
	about: 'resident memory of an idle node, and the most of it during a large upload',
	async run({ dir, sizes, runs, quick, report }) {
		const idleSeconds = quick ? 1 : IDLE_SECONDS;
		const idle: number[] = [];
		for (let round = 0; round < runs; round++) {
			await using node = await startNode({ dataDir: join(dir, `idle-${round}`) });
			await pause(idleSeconds * 1000);
			idle.push(node.rss() / MIB);
		}
		const resting = report.single(
			{ name: 'memory: idle node', unit: 'MiB', about: `VmRSS ${idleSeconds} s after the ready line` },
			idle,
		);
		report.bound('idle node', resting, resting.median, { below: IDLE_MIB });

		const file = await payloadFile(dir, 'large.bin', sizes.large);
		await using node = await startNode({ dataDir: join(dir, 'large') });
		using client = createImageClient(node.http);
		const { id } = await client.create();
		const cpuBefore = node.cpuSeconds();
		const args = [
			'-T',
			file,
			'-H',
			'Content-Type: application/octet-stream',
			'-H',
			'Expect:',
			`${node.http}/v2/images/${id}/file`,
		];
		expectStatus(await curl(args), 204);
		const peak = node.peakRss() / MIB;
		const about = `VmHWM of the node after an upload of ${sizes.large / MIB} MiB`;
		const more = { cpuSeconds: node.cpuSeconds() - cpuBefore, bytes: sizes.large };
		const highest = report.single({ name: 'memory: upload', unit: 'MiB', about }, [peak], more);
		report.bound('peak during a large upload', highest, peak, { below: UPLOAD_PEAK_MIB });
	},
};
