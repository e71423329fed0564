/**
 * A door before a vSphere server, with a certificate of its own: it refuses files to who has no session, as a vCenter does and
 * the simulator does not; it can end all sessions, cut connections, and answer in the server's place.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDir } from './temporary-dir.ts';

export interface VsphereFront extends AsyncDisposable {
	/** host:port */
	readonly host: string;
	/** PEM file */
	readonly certificate: string;
	/** cookies of all sessions ever given */
	readonly sessions: readonly string[];
	/** `METHOD path` or the SOAP method, in order */
	readonly seen: readonly string[];
	endSessions(): void;
	/** Answers instead of the server, or cuts after so many bytes of a body; undefined: neither. */
	meddle: (what: string) => { status: number; body?: string } | { cutAfterBytes: number } | undefined;
}

export async function startVsphereFront(upstream: number): Promise<VsphereFront> {
	await using stack = new AsyncDisposableStack();
	const dir = stack.use(await temporaryDir());
	const [key, cert] = [join(dir.path, 'key.pem'), join(dir.path, 'cert.pem')];
	await promisify(execFile)('openssl', [
		...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2'],
		...['-subj', '/CN=vsphere-front', '-addext', 'subjectAltName=IP:127.0.0.1'],
	]);
	const sessions: string[] = [];
	const valid = new Set<string>();
	const seen: string[] = [];
	const server = createServer({ key: await readFile(key), cert: await readFile(cert) });
	const take = (incoming: IncomingMessage, answer: ServerResponse) =>
		void serve(incoming, answer).catch(() => {
			incoming.destroy();
			answer.destroy();
		});
	server.on('request', take).on('checkContinue', take);
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	stack.defer(async () => {
		server.closeAllConnections();
		server.close();
		await once(server, 'close');
	});

	async function serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
		const { method = '', url = '', headers } = incoming;
		const folder = url.startsWith('/folder');
		const soap = folder ? undefined : await bodyOf(incoming);
		const what = soap === undefined ? `${method} ${url}` : (/<(\w+) xmlns="urn:vim25"/.exec(soap)?.[1] ?? 'nothing');
		seen.push(what);
		const meddled = front.meddle(what);
		if (meddled !== undefined && 'status' in meddled) return void answer.writeHead(meddled.status).end(meddled.body);
		const known = valid.has(headers.cookie ?? '');
		if (folder && !known) return void answer.writeHead(401).end();
		if (headers.expect !== undefined) answer.writeContinue();
		const { cookie, expect: _, ...passed } = headers;
		const own = { ...passed, ...(known && { cookie }) };
		const outgoing = request({ host: '127.0.0.1', port: upstream, method, path: url, headers: own, rejectUnauthorized: false });
		const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
		answered.catch(() => undefined);
		if (soap !== undefined) outgoing.end(soap);
		else {
			let passedBytes = 0;
			incoming.once('close', () => incoming.complete || outgoing.destroy());
			for await (const chunk of incoming as AsyncIterable<Buffer>) {
				passedBytes += chunk.length;
				if (!outgoing.write(chunk)) await once(outgoing, 'drain');
				if (meddled !== undefined && passedBytes > meddled.cutAfterBytes) {
					outgoing.destroy();
					throw new Error('cut');
				}
			}
			outgoing.end();
		}
		const [reply] = await answered;
		for (const given of reply.headers['set-cookie'] ?? []) {
			const session = given.split(';')[0]!;
			sessions.push(session);
			valid.add(session);
		}
		answer.writeHead(reply.statusCode ?? 500, reply.headers);
		for await (const chunk of reply as AsyncIterable<Buffer>) answer.write(chunk);
		answer.end();
	}

	const parts = stack.move();
	const front: VsphereFront = {
		host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
		certificate: cert,
		sessions,
		seen,
		endSessions: () => valid.clear(),
		meddle: () => undefined,
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
	return front;
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
	return Buffer.concat(chunks).toString('utf8');
}
