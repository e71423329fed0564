/**
 * Clients that hold on and do nothing: a thousand that never end their headers, five hundred that hardly send, five
 * hundred that take nothing. Whoever asks meanwhile, from the same address, is answered; afterwards nothing is left.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type ApiServer, OCTETS, startApi } from '../support/api-server.ts';
import { eventually } from '../support/eventually.ts';
import { testSite } from '../support/onion.ts';
import { type OpenContent, openContent } from '../support/open-content.ts';

const MIB = 1024 * 1024;
const HONEST = 50;
const PATIENCE = { timeoutMs: 60_000, everyMs: 100 };

const openFiles = () => readdirSync('/proc/self/fd').length;

/** Connections of a crowd, and how many of them the node has ended. */
class Crowd implements AsyncDisposable {
	readonly sockets: Socket[] = [];
	closed = 0;

	async add(count: number, port: number, text: (n: number) => string, onData?: (socket: Socket) => void): Promise<void> {
		for (let n = 0; n < count; n += 1) {
			const socket = connect({ host: '127.0.0.1', port });
			// being cut off is what they are here for
			socket
				.on('error', () => {})
				.once('close', () => {
					this.closed += 1;
				});
			if (onData === undefined) socket.resume();
			else onData(socket);
			socket.write(text(n));
			this.sockets.push(socket);
			// so that the queue of new connections never overflows
			if (n % 50 === 49) await new Promise((resolve) => socket.once('connect', resolve));
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const socket of this.sockets) socket.destroy();
	}
}

describe('slow clients', () => {
	let content: OpenContent;
	let api: ApiServer;
	let port: number;
	let boot: string;
	const bytes = randomBytes(MIB);
	before(async () => {
		content = await openContent();
		api = await startApi({
			site: await testSite({ data: content.store }),
			http: { headersTimeoutMs: 5000, keepAliveMs: 2000 },
			limits: { pace: { minBytes: 4096, windowMs: 1000 }, stallMs: 3000 },
		});
		port = Number(new URL(api.url).port);
		boot = await api.active(bytes);
	});
	after(async () => {
		await api[Symbol.asyncDispose]();
		await content[Symbol.asyncDispose]();
	});

	const host = 'Host: 127.0.0.1\r\n';
	async function honestClientsAreServed(): Promise<void> {
		for (let n = 0; n < HONEST; n += 1) {
			const reply = await api.ask('GET', `/v2/images/${boot}/file`);
			assert.equal(reply.status, 200);
			assert.ok(reply.bytes.equals(bytes));
		}
	}
	async function nothingIsLeft(crowd: Crowd, before: number): Promise<void> {
		await eventually(
			'every slow connection to be ended',
			() => (crowd.closed === crowd.sockets.length ? true : undefined),
			PATIENCE,
		);
		// what an honest keep-alive connection or a collector holds for a moment comes and goes
		await eventually('the open files of before', () => (openFiles() <= before + 5 ? true : undefined), PATIENCE);
	}

	it('that never end their headers crowd out only each other', async () => {
		const before = openFiles();
		await using crowd = new Crowd();
		await crowd.add(1000, port, (n) => `GET /v2/images HTTP/1.1\r\n${host}X-${n}: `);
		const dribble = setInterval(() => {
			for (const socket of crowd.sockets) if (socket.writable) socket.write('x');
		}, 500);
		try {
			await eventually('all but the last few to be closed', () => (crowd.closed >= 1000 - 64 ? true : undefined), PATIENCE);
			await honestClientsAreServed();
			await nothingIsLeft(crowd, before);
		} finally {
			clearInterval(dribble);
		}
	});

	it('that hardly send are given up, and their images can be given data again', async () => {
		const before = openFiles();
		const ids: string[] = [];
		for (let n = 0; n < 500; n += 1) ids.push(await api.queued());
		await using crowd = new Crowd();
		const head = `Content-Type: ${OCTETS['content-type']}\r\nContent-Length: ${MIB}\r\n\r\n`;
		await crowd.add(500, port, (n) => `PUT /v2/images/${ids[n]}/file HTTP/1.1\r\n${host}${head}x`);
		await honestClientsAreServed();
		await nothingIsLeft(crowd, before);
		for (const id of ids) assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.status, 'queued');
		const { status } = await api.ask('PUT', `/v2/images/${ids[0]}/file`, { headers: OCTETS, body: Buffer.from('x') });
		assert.equal(status, 204);
	});

	it('that take nothing are cut off', async () => {
		// more than the buffers of a connection take by themselves
		const big = await api.active(randomBytes(6 * MIB));
		const before = openFiles();
		await using crowd = new Crowd();
		await crowd.add(
			500,
			port,
			() => `GET /v2/images/${big}/file HTTP/1.1\r\n${host}\r\n`,
			(socket) => socket.pause(),
		);
		await honestClientsAreServed();
		// a paused socket does not notice its end: the node's half of each connection is what must go
		await eventually('the node to have ended its half', () => (openFiles() <= before + 500 + 5 ? true : undefined), PATIENCE);
		for (const socket of crowd.sockets) socket.resume();
		await nothingIsLeft(crowd, before);
	});
});
