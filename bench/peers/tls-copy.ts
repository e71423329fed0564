/** `tls-copy.ts FILE TO`: the file from one process to another over node:tls as it comes, verified and written. */
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { connect, createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { cpuSecondsSince, printBill, released, startSender } from './pair.ts';
import { createBlockWriter } from './receiver.ts';

const [first, second] = process.argv.slice(2);
if (first === undefined || second === undefined) throw new TypeError('tls-copy.ts FILE TO');

await (first === 'send' ? send(second) : receive(first, second));

async function send(file: string): Promise<void> {
	const { key, cert } = selfSigned();
	let before = process.cpuUsage();
	const server = createServer({ key, cert }, (socket) => {
		before = process.cpuUsage();
		pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), socket).catch(() => {});
	});
	server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
	await released();
	process.stdout.write(`${cpuSecondsSince(before)}\n`);
	server.close();
}

async function receive(file: string, to: string): Promise<void> {
	const sender = await startSender(fileURLToPath(import.meta.url), [file]);
	const writer = createBlockWriter(to);
	const before = process.cpuUsage();
	const startedAt = performance.now();
	const socket = connect({ port: Number(sender.address), host: '127.0.0.1', rejectUnauthorized: false });
	await new Promise((resolve, reject) =>
		socket
			.on('data', (chunk: Buffer) => writer.take(chunk))
			.once('end', resolve)
			.once('error', reject),
	);
	writer.end();
	const seconds = (performance.now() - startedAt) / 1000;
	const own = cpuSecondsSince(before);
	printBill(seconds, own + (await sender.finish()));
}

function selfSigned(): { readonly key: string; readonly cert: string } {
	const dir = mkdtempSync(join(tmpdir(), 'sundog-bench-tls-'));
	const [key, cert] = [join(dir, 'key'), join(dir, 'cert')];
	try {
		const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
		execFileSync(
			'openssl',
			['req', '-x509', ...curve, '-nodes', '-days', '1', '-subj', '/CN=localhost', '-keyout', key, '-out', cert],
			{ stdio: 'ignore' },
		);
		return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
	} finally {
		rmSync(dir, { recursive: true });
	}
}
