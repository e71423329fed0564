/**
 * Request smuggling: some 120 requests whose end two readers might see differently, each with another request hidden in it.
 * The hidden one is never carried out, and whoever asks next gets their own answer: directly, and behind the proxies
 * that operators use, where a node must never see a request that the proxy did not.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Log } from '#lib/log.ts';
import { silentLog } from '#lib/log.ts';
import { type ApiServer, startApi } from '../support/api-server.ts';
import { FRONT_PROXIES, missingProxy, startFrontProxy } from '../support/front-proxy.ts';
import { HIDDEN_ID, type MisframedRequest, misframedRequests } from '../support/misframed-requests.ts';

const AT_ONCE = 8;

/** What a connection gives back for these bytes and one well-formed request behind them. */
async function exchange(port: number, request: MisframedRequest, behind: string, halfClose: boolean): Promise<string> {
	const socket = connect({ host: '127.0.0.1', port });
	let answers = '';
	const closed = new Promise((resolve) => socket.once('close', resolve));
	// a connection that ends while we write is one of the right answers
	socket
		.setEncoding('latin1')
		.on('data', (text) => (answers += text))
		.on('error', () => {});
	socket.write(request.bytes);
	socket.write(behind);
	if (halfClose) socket.end();
	await closed;
	return answers;
}

const canaryRequest = (host: string, canary: string, id: string) =>
	`GET /v2/images/${canary} HTTP/1.1\r\nHost: ${host}\r\nX-Openstack-Request-Id: ${id}\r\nConnection: close\r\n\r\n`;

/** On a connection of its own. */
async function ask(port: number, text: string): Promise<string> {
	const socket = connect({ host: '127.0.0.1', port });
	socket.write(text);
	let answer = '';
	socket.setEncoding('latin1').on('data', (part) => (answer += part));
	await once(socket, 'close');
	return answer;
}

describe('a request that can be read in two ways', () => {
	let api: ApiServer;
	let port: number;
	let host: string;
	let canary: string;
	before(async () => {
		api = await startApi();
		host = new URL(api.url).host;
		port = Number(new URL(api.url).port);
		canary = await api.queued();
	});
	after(() => api[Symbol.asyncDispose]());

	// the names do not depend on where the node is
	for (const [at, { name, outcome }] of misframedRequests({ host: '', victim: '' }).entries())
		it(`${name}: ${outcome}`, async () => {
			const victim = await api.queued();
			const request = misframedRequests({ host, victim })[at];
			assert.ok(request !== undefined);
			const answers = await exchange(port, request, canaryRequest(host, canary, 'req-behind'), true);
			const first = Number(/^HTTP\/1\.1 (\d+)/.exec(answers)?.[1] ?? 0);
			assert.ok(!answers.includes(HIDDEN_ID), answers);
			assert.equal(answers.includes('req-behind'), outcome === 'served', answers);
			if (outcome === 'refused') assert.ok(first >= 400, answers);
			assert.ok(!/HTTP\/1\.1 500/.test(answers), answers);
			assert.equal((await api.ask('GET', `/v2/images/${victim}`)).status, 200, 'the hidden request was carried out');
			assert.match(await ask(port, canaryRequest(host, canary, 'req-own')), /^HTTP\/1\.1 200 [\s\S]*req-own/);
		});
});

it('a pipeline is answered in its order, one request after the other, up to a limit', async () => {
	await using api = await startApi();
	const host = new URL(api.url).host;
	const port = Number(new URL(api.url).port);
	const pipeline = (length: number) =>
		Array.from({ length }, (_, n) => `GET /livez HTTP/1.1\r\nHost: ${host}\r\nX-Openstack-Request-Id: req-${n}\r\n`)
			.map((text, n) => `${text}${n === length - 1 ? 'Connection: close\r\n' : ''}\r\n`)
			.join('');
	const ids = [...(await ask(port, pipeline(16))).matchAll(/req-\d+/g)].map(([id]) => id);
	assert.deepEqual(
		ids,
		Array.from({ length: 16 }, (_, n) => `req-${n}`),
	);
	const crowd = await ask(port, pipeline(200)).catch(() => '');
	assert.ok(!crowd.includes('req-199'));
	assert.equal((await api.ask('GET', '/livez')).status, 200);
});

for (const name of FRONT_PROXIES)
	it(`behind ${name} the node sees no request that ${name} did not, and everybody gets their own answer`, async (t) => {
		const missing = missingProxy(name);
		if (missing !== undefined) return t.skip(missing);
		const seen: string[] = [];
		const log: Log = {
			...silentLog,
			info: (fields) => 'method' in fields && 'path' in fields && seen.push(`${fields.method} ${fields.path}`),
		};
		await using api = await startApi({ log });
		const canary = await api.queued();
		const victim = await api.queued();
		await using proxy = await startFrontProxy(name, Number(new URL(api.url).port));
		const host = `127.0.0.1:${proxy.port}`;
		const requests = misframedRequests({ host, victim });
		seen.length = 0;
		let n = 0;
		for (let at = 0; at < requests.length; at += AT_ONCE)
			await Promise.all(
				requests.slice(at, at + AT_ONCE).map(async (request) => {
					await exchange(proxy.port, request, canaryRequest(host, canary, 'req-behind'), false);
					for (let again = 0; again < 2; again += 1) {
						n += 1;
						const id = `req-own-${n}-`;
						const answer = await ask(proxy.port, canaryRequest(host, canary, id));
						assert.ok(answer.startsWith('HTTP/1.1 200 ') && answer.includes(id), `${request.name}: ${answer}`);
					}
				}),
			);
		const passed = new Map<string, number>();
		for (const request of await proxy.stop()) passed.set(request, (passed.get(request) ?? 0) + 1);
		assert.ok(seen.length > requests.length, 'the node saw the requests');
		for (const request of seen) {
			const left = (passed.get(request) ?? 0) - 1;
			assert.ok(left >= 0, `the node saw ${request} more often than ${name}`);
			passed.set(request, left);
		}
	});
