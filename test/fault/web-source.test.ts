/** A client who names a URL reaches with it nothing that it may not: a sink on loopback counts who comes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { codeOf, ImageError } from '#domain/errors.ts';
import { createWebSource, type WebBody, type WebSourceOptions } from '#imports/web-source.ts';
import type { WebFilter } from '#lib/web/address.ts';
import { isReachable } from '#lib/web/reach.ts';
import { HOSTILE_HOSTS, hostileRedirects, hostileUrls, outwardAddress } from '../support/hostile-urls.ts';
import { startWebServer, type WebAnswer, type WebServer } from '../support/web-server.ts';

const { signal } = new AbortController();

const outward = outwardAddress();

let sink: WebServer;
before(async () => {
	sink = await startWebServer((_request, response) => void response.end('reached'));
});
after(() => sink[Symbol.asyncDispose]());

/** Resolves every name to loopback, and may ask at the sink's port: only the guard of addresses is left. */
function guarded(over: WebSourceOptions = {}) {
	return createWebSource({ filtering: { allowedPorts: [sink.port] }, resolve: async () => ['127.0.0.1'], ...over });
}

async function assertRefused(source: ReturnType<typeof guarded>, url: string): Promise<void> {
	const before = sink.connections();
	await assert.rejects(source.check(url, { signal }), (error) => codeOf(error) === 'invalid', `checked: ${url}`);
	await assert.rejects(source.open(url, { signal }), (error) => codeOf(error) === 'invalid', `opened: ${url}`);
	assert.equal(sink.connections(), before, `the sink was reached by ${url}`);
}

describe('a URL that leads here', () => {
	it('is refused before anybody is asked, however the host is written', async () => {
		assert.ok(HOSTILE_HOSTS.length >= 100, `only ${HOSTILE_HOSTS.length} hosts`);
		for (const host of HOSTILE_HOSTS) await assertRefused(guarded(), `http://${host}:${sink.port}/`);
	});

	it('is refused in whole forms that parsers repair or read in two ways', async () => {
		for (const url of hostileUrls(sink.port)) await assertRefused(guarded(), url);
	});

	it('is refused when one of several addresses of its name leads here', async () => {
		for (const addresses of [
			['93.184.216.34', '127.0.0.1'],
			['127.0.0.1', '93.184.216.34'],
			['::ffff:127.0.0.1'],
			['fe80::1%lo'],
			[],
		])
			await assertRefused(guarded({ resolve: async () => addresses }), `http://example.com:${sink.port}/`);
	});

	it('is refused when it names this machine on any of its networks', async () => {
		const own = ['192.0.2.7', '2001:db8::7'];
		const forms = ['192.0.2.7', '::ffff:192.0.2.7', '64:ff9b::c000:207', '2002:c000:207::1', '2001:db8::7', '2001:0db8:0::0007'];
		for (const address of forms)
			await assertRefused(
				guarded({ resolve: async () => [address], ownAddresses: () => own }),
				`http://example.com:${sink.port}/`,
			);
		const allowed = guarded({
			filtering: { allowedHosts: ['me.example'], allowedPorts: [80] },
			resolve: async () => own,
			ownAddresses: () => own,
		});
		await allowed.check('http://me.example/', { signal });
		if (outward !== undefined)
			await assertRefused(guarded({ resolve: async () => [outward] }), `http://example.com:${sink.port}/`);
	});

	it('reaches nobody by a name that turns here after it was looked at', async () => {
		let asked = 0;
		// each other answer leads away; nobody listens there
		const rebinding = guarded({ resolve: async () => [asked++ % 2 === 0 ? '192.0.2.1' : '127.0.0.1'], answerMs: 1 });
		for (let round = 0; round < 200; round += 1)
			await assert.rejects(rebinding.open(`http://example.com:${sink.port}/`, { signal }));
		assert.equal(asked, 200, 'one look for each fetch');
		assert.equal(sink.connections(), 0);
	});
});

describe('a redirect', { skip: outward === undefined && 'this machine has no address but loopback' }, () => {
	/** Redirects to whatever its query says; `front.example` is its name, and every other name is loopback. */
	async function withFront(
		test: (front: WebServer, ask: (location: string, status?: number) => Promise<WebBody>) => Promise<void>,
	) {
		await using front = await startWebServer((request, response) => {
			const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
			if (pathname === '/image') return void response.end('image');
			response.writeHead(Number(pathname.slice(1)), { location: searchParams.get('to') ?? '' }).end();
		}, outward);
		const source = guarded({
			filtering: { allowedPorts: [sink.port, front.port] },
			resolve: async (host) => [host === 'front.example' ? String(outward) : '127.0.0.1'],
			ownAddresses: () => [],
		});
		const base = `http://front.example:${front.port}`;
		await test(front, (to, status = 302) => source.open(`${base}/${status}?to=${encodeURIComponent(to)}`, { signal }));
	}

	for (const status of [301, 302, 303, 307, 308])
		it(`of ${status} is looked at as the first URL was`, () =>
			withFront(async (front, ask) => {
				const ways = hostileRedirects(sink.port, front.port);
				for (const to of ways) await assert.rejects(ask(to, status), (error) => codeOf(error) === 'invalid', to);
				assert.equal(front.requests.length, ways.length);
				assert.equal(sink.connections(), 0);
			}));

	it('is followed three times and no more, each hop by its own name', () =>
		withFront(async (front, ask) => {
			const base = `http://front.example:${front.port}`;
			const chain = (hops: number): string => (hops === 0 ? '/image' : `/302?to=${encodeURIComponent(chain(hops - 1))}`);
			using body = await ask(chain(2));
			assert.equal(Buffer.concat(await Array.fromAsync(body.data)).toString(), 'image');
			await assert.rejects(ask(chain(3)), /more than 3 redirects/);
			using absolute = await ask(`${base}/image`);
			assert.equal(absolute.size, 5);
			await Array.fromAsync(absolute.data);
			assert.ok(front.requests.every((line) => line.includes(` front.example:${front.port}/`)));
		}));
});

describe('what an operator allows', () => {
	const ask = (filtering: WebFilter, url = `http://images.example:${sink.port}/`) =>
		createWebSource({ filtering: { allowedPorts: [sink.port], ...filtering }, resolve: async () => ['127.0.0.1'] }).check(url, {
			signal,
		});
	const isInvalid = (error: unknown) => codeOf(error) === 'invalid';

	it('is reached wherever it is, and nothing else with it', async () => {
		await ask({ allowedHosts: ['Images.Example'] });
		await ask({ allowedHosts: ['127.0.0.1'] }, `http://127.0.0.1:${sink.port}/`);
		await assert.rejects(ask({ allowedHosts: ['images.example'] }, `http://other.example:${sink.port}/`), isInvalid);
		await assert.rejects(ask({ allowedHosts: ['127.0.0.1'] }, `http://127.1:${sink.port}/`), isInvalid);
	});
	it('counts alone where something is disallowed besides', async () => {
		await ask({ allowedHosts: ['images.example'], disallowedHosts: ['images.example'], disallowedPorts: [sink.port] });
		const away = createWebSource({
			filtering: { disallowedHosts: ['bad.example'], disallowedSchemes: ['http'] },
			resolve: async () => ['192.0.2.1'],
		});
		await assert.rejects(away.check('https://bad.example/', { signal }), isInvalid);
		await assert.rejects(away.check('http://good.example/', { signal }), isInvalid);
		await away.check('https://good.example/', { signal });
		await assert.rejects(away.check('https://good.example:8443/', { signal }), isInvalid);
	});
});

describe('a body', () => {
	const limits = { answerMs: 60_000, stallMs: 60_000 };
	async function from(answer: WebAnswer, test: (open: (more?: WebSourceOptions) => Promise<WebBody>) => Promise<void>) {
		await using server = await startWebServer(answer);
		const filtering = { allowedHosts: ['127.0.0.1'], allowedPorts: [server.port] };
		await test((more) => createWebSource({ filtering, ...limits, ...more }).open(`${server.url}/image`, { signal }));
	}
	const all = async (body: WebBody) => Buffer.concat(await Array.fromAsync(body.data));

	it('comes whole, with the size the server says', () =>
		from(
			(_request, response) => void response.setHeader('content-length', 6).end('image\n'),
			async (open) => {
				using body = await open();
				assert.deepEqual([body.size, (await all(body)).toString()], [6, 'image\n']);
			},
		));
	it('that ends before its size is an error', () =>
		from(
			(_request, response) => void response.writeHead(200, { 'content-length': 10 }).write('half', () => response.destroy()),
			async (open) => {
				using body = await open();
				await assert.rejects(all(body), (error) => codeOf(error) === 'unavailable');
			},
		));
	it('that stops coming is given up, as is a server that never answers', async () => {
		await from(
			(_request, response) => void response.writeHead(200).write('half'),
			async (open) => {
				using body = await open({ stallMs: 1 });
				await assert.rejects(all(body), (error) => codeOf(error) === 'timeout');
			},
		);
		await from(
			() => undefined,
			async (open) => {
				await assert.rejects(open({ answerMs: 1 }), (error) => codeOf(error) === 'timeout');
			},
		);
	});
	it('is not taken when it is none, or encoded', async () => {
		for (const [status, headers] of [
			[404, {}],
			[206, {}],
			[204, {}],
			[304, {}],
			[300, {}],
			[200, { 'content-encoding': 'gzip' }],
		] as const)
			await from(
				(_request, response) => void response.writeHead(status, headers).end(),
				async (open) => {
					await assert.rejects(open(), (error) => codeOf(error) === 'invalid', String(status));
				},
			);
	});
	it('ends with the signal of who asked', async () => {
		await using server = await startWebServer((_request, response) => void response.writeHead(200).write('half'));
		const source = createWebSource({ filtering: { allowedHosts: ['127.0.0.1'], allowedPorts: [server.port] } });
		const asking = new AbortController();
		using body = await source.open(`${server.url}/`, { signal: asking.signal });
		const reading = all(body);
		asking.abort(new ImageError('aborted', 'enough'));
		await assert.rejects(reading, /enough/);
	});
});

describe('addresses', () => {
	it('of private and public networks can be reached, those of this machine in no form', () => {
		for (const address of ['10.0.0.1', '192.168.1.1', '172.16.0.1', '8.8.8.8', '100.64.0.1', '2606:4700::1111', 'fd12::1'])
			assert.ok(isReachable(address), address);
		const octet = fc.integer({ min: 0, max: 255 });
		fc.assert(
			fc.property(octet, octet, octet, (b, c, d) => {
				const hex = (high: number, low: number) => ((high << 8) | low).toString(16);
				const tail = `${hex(127, b)}:${hex(c, d)}`;
				for (const form of [`127.${b}.${c}.${d}`, `::ffff:${tail}`, `::${tail}`, `64:ff9b::${tail}`, `2002:${tail}::`])
					assert.ok(!isReachable(form), form);
			}),
		);
	});
});
