/** A client who names the location of an image reaches with it nothing that it may not: a sink on loopback counts who comes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { codeOf } from '#domain/errors.ts';
import { httpSettings } from '#store/drivers/http/options.ts';
import { openHttp } from '#store/drivers/http.ts';
import { HOSTILE_HOSTS, hostileRedirects, hostileUrls, outwardAddress } from '../support/hostile-urls.ts';
import { startWebServer, type WebServer } from '../support/web-server.ts';

const call = { signal: new AbortController().signal };
const outward = outwardAddress();

let sink: WebServer;
before(async () => {
	sink = await startWebServer((_request, response) => void response.setHeader('content-length', 7).end('reached'));
});
after(() => sink[Symbol.asyncDispose]());

type Web = Parameters<typeof openHttp>[1];

/** Resolves every name to loopback, and may ask at the sink's port: only the guard of addresses is left. */
function guarded(web: Web = {}, ports: readonly number[] = []) {
	const settings = httpSettings({ http_allowed_ports: [sink.port, ...ports].map(String) });
	return openHttp(settings, { resolve: async () => ['127.0.0.1'], ...web });
}

async function assertRefused(driver: ReturnType<typeof guarded>, location: string): Promise<void> {
	const before = sink.connections();
	const isInvalid = (error: unknown) => codeOf(error) === 'invalid';
	await assert.rejects(driver.stat(location, call), isInvalid, `asked: ${location}`);
	for (const range of ['whole', { start: 0, end: 1 }] as const)
		await assert.rejects(Array.fromAsync(driver.get(location, range, call)), isInvalid, `read: ${location}`);
	assert.equal(sink.connections(), before, `the sink was reached by ${location}`);
}

describe('a location that leads here', () => {
	it('is refused before anybody is asked, however it is written', async () => {
		const locations = [...HOSTILE_HOSTS.map((host) => `http://${host}:${sink.port}/`), ...hostileUrls(sink.port)];
		assert.ok(locations.length >= 120, `only ${locations.length} locations`);
		for (const location of locations) await assertRefused(guarded(), location);
	});

	it('is refused behind credentials, however often', async () => {
		for (const host of HOSTILE_HOSTS)
			for (const user of ['u:p@', 'u:p@v:q@', 'example.com:80@'])
				await assertRefused(guarded(), `http://${user}${host}:${sink.port}/`);
	});

	it('is refused when one of several addresses of its name leads here', async () => {
		for (const addresses of [['93.184.216.34', '127.0.0.1'], ['::ffff:127.0.0.1'], ['fe80::1%lo'], []])
			await assertRefused(guarded({ resolve: async () => addresses }), `http://example.com:${sink.port}/`);
		if (outward !== undefined)
			await assertRefused(guarded({ resolve: async () => [outward] }), `http://example.com:${sink.port}/`);
	});

	it('reaches nobody by a name that turns here between two questions', async () => {
		let asked = 0;
		const rebinding = guarded({ resolve: async () => [asked++ % 2 === 0 ? '192.0.2.1' : '127.0.0.1'], answerMs: 1 });
		for (let round = 0; round < 200; round += 1) await assert.rejects(rebinding.stat(`http://example.com:${sink.port}/`, call));
		assert.equal(asked, 200, 'one look for each question');
		assert.equal(sink.connections(), 0);
	});
});

describe('a redirect of a location', { skip: outward === undefined && 'this machine has no address but loopback' }, () => {
	for (const status of [301, 302])
		it(`by ${status} is looked at as the location was`, async () => {
			await using front = await startWebServer((request, response) => {
				const to = new URL(request.url ?? '', 'http://x').searchParams.get('to');
				response.writeHead(status, { location: to ?? '' }).end();
			}, outward);
			const resolve = async (host: string) => [host === 'front.example' ? String(outward) : '127.0.0.1'];
			const driver = guarded({ resolve, ownAddresses: () => [] }, [front.port]);
			const ways = hostileRedirects(sink.port, front.port);
			for (const to of ways) await assertRefused(driver, `http://front.example:${front.port}/?to=${encodeURIComponent(to)}`);
			assert.equal(front.requests.length, 3 * ways.length);
		});
});

describe('a host that an operator allows', () => {
	it('is reached wherever it is, and others stay as they are', async () => {
		const settings = httpSettings({ http_allowed_hosts: 'Images.Example', http_allowed_ports: String(sink.port) });
		const driver = openHttp(settings, { resolve: async () => ['127.0.0.1'] });
		assert.equal((await driver.stat(`http://images.example:${sink.port}/`, call)).size, 7);
		await assertRefused(driver, `http://other.example:${sink.port}/`);
		await assertRefused(driver, `http://127.0.0.1:${sink.port}/`);
	});
});
