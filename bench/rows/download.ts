import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createImageClient } from '../../test/support/image-client.ts';
import { startNode } from '../../test/support/node-process.ts';
import { curl, expectStatus } from '../curl.ts';
import { MIB, percentile, type Row, type Subject } from '../harness.ts';
import { startNginx } from '../nginx.ts';
import { payloadFile } from '../payload.ts';

const TARGET = 0.6;
const FIRST_BYTE_MS = 10;
const FIRST_BYTE_REQUESTS = 50;

export const downloadRow: Row = {
	name: 'download',
	about: 'one image that the node holds, to curl on the same machine',
	async run({ dir, sizes, runs, report }) {
		const bytes = sizes.image;
		const root = join(dir, 'download');
		await mkdir(root);
		const file = await payloadFile(root, 'download.bin', bytes);
		await using node = await startNode({ dataDir: join(root, 'data') });
		using client = createImageClient(node.http);
		const { id } = await client.create();
		await client.upload(id, { size: bytes, pieces: () => pieces(file) });
		await using nginx = await startNginx(join(root, 'nginx'), root);
		if (nginx === undefined) {
			report.say({ kind: 'skipped', name: 'download', reason: 'nginx is not installed' });
			return;
		}

		const subject = (name: string, about: string, url: string, cpu: () => number): Subject => ({
			name,
			unit: 'MiB/s',
			about,
			async run() {
				const before = cpu();
				const { seconds, received } = expectStatus(await curl([url]), 200);
				if (received !== bytes) throw new Error(`${received} bytes instead of ${bytes}`);
				return { value: bytes / MIB / seconds, cpuSeconds: cpu() - before, bytes };
			},
		});
		const imageUrl = `${node.http}/v2/images/${id}/file`;
		const [ours, theirs] = await report.measure(
			[
				subject('download: sundog', 'GET …/file to curl -o /dev/null', imageUrl, () => node.cpuSeconds()),
				subject('download: nginx', 'nginx with sendfile, the same bytes to the same curl', `${nginx.url}/${basename(file)}`, () =>
					nginx.cpuSeconds(),
				),
			],
			runs,
		);
		report.ratio('download against nginx', ours, theirs, TARGET);

		const waits: number[] = [];
		for (let request = 0; request < FIRST_BYTE_REQUESTS; request++) {
			const start = (request * 7 * MIB) % (bytes - MIB);
			waits.push(expectStatus(await curl(['-r', `${start}-${start + MIB - 1}`, imageUrl]), 206).firstByteMs);
		}
		const about = `time to first byte, ${FIRST_BYTE_REQUESTS} requests of 1 MiB at different offsets, each on a new connection`;
		const first = report.single({ name: 'download: first byte', unit: 'ms', about }, waits);
		report.bound('first byte of a download, 95th percentile', first, percentile(waits, 0.95), { below: FIRST_BYTE_MS });
	},
};

async function* pieces(file: string): AsyncGenerator<Buffer> {
	yield* createReadStream(file, { highWaterMark: MIB }) as AsyncIterable<Buffer>;
}
