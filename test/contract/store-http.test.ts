/** The http store on nginx, and on servers that misbehave in ways nginx does not. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { codeOf } from '#domain/errors.ts';
import { httpSettings } from '#store/drivers/http/options.ts';
import { http, openHttp } from '#store/drivers/http.ts';
import type { StoreOptions } from '#store/options.ts';
import { missingNginx, type Nginx, startNginx } from '../support/nginx.ts';
import { collect, describeStoreDriver, digestOf, rejectsWith, signal } from '../support/store-driver-suite.ts';
import { testStore } from '../support/test-store.ts';
import { startWebServer, type WebAnswer } from '../support/web-server.ts';

const call = { signal };
const MiB = 1024 * 1024;
const whole = { start: 0, end: 4 };

const LOCATIONS = `
	location /whole/ { rewrite ^/[a-z-]+/(.*)$ /$1 break; max_ranges 0; }
	location /headless/ { rewrite ^/[a-z-]+/(.*)$ /$1 break; if ($request_method = HEAD) { return 405; } }
	location /headless-whole/ { rewrite ^/[a-z-]+/(.*)$ /$1 break; max_ranges 0; if ($request_method = HEAD) { return 501; } }
	location /packed/ { rewrite ^/[a-z-]+/(.*)$ /$1 break; add_header Content-Encoding gzip; }
	location /loop { absolute_redirect off; return 302 /loop; }
	location ~ ^/hops/(?<left>x*)x/(?<name>.*)$ { absolute_redirect off; return 301 /hops/$left/$name; }
	location ~ ^/hops//?(?<name>.*)$ { try_files /$name =404; }
	location /303/ { return 303 /x; }
	location /307/ { return 307 /x; }
	location /400/ { return 400; }
	location /403/ { return 403; }
	location /410/ { return 410; }
	location /429/ { return 429; }
	location /503/ { return 503; }
`;

let nginx: Nginx;
before(async () => {
	if (missingNginx === false) nginx = await startNginx(LOCATIONS);
});
after(() => nginx?.[Symbol.asyncDispose]());

/** What a test would have an operator say: nginx is on loopback, at ports of its own. */
const options = (more: StoreOptions = {}): StoreOptions => ({
	http_allowed_hosts: '127.0.0.1',
	http_allowed_ports: [String(nginx.port), String(nginx.tlsPort)],
	...more,
});
const open = (more: StoreOptions = {}) => openHttp(httpSettings(options(more)));

async function seed(bytes: Uint8Array): Promise<string> {
	const name = randomUUID();
	await writeFile(join(nginx.files, name), bytes);
	return name;
}

const subject = { manifest: http.manifest, missing: missingNginx };
describeStoreDriver('http on nginx', {
	...subject,
	open: async () => open(),
	seed: async (bytes) => `${nginx.url}/${await seed(bytes)}`,
});
describeStoreDriver('https on nginx', {
	...subject,
	open: async () => open({ https_ca_certificates_file: nginx.caFile }),
	seed: async (bytes) => `${nginx.tlsUrl}/${await seed(bytes)}`,
});
describeStoreDriver('http on nginx without ranges', {
	...subject,
	wholeOnly: true,
	open: async () => open(),
	seed: async (bytes) => `${nginx.url}/whole/${await seed(bytes)}`,
});

describe('store driver: http, in particular', { skip: missingNginx }, () => {
	it('trusts no certificate that no known authority has signed, unless told so', async () => {
		const location = `${nginx.tlsUrl}/${await seed(randomBytes(4))}`;
		await assert.rejects(open().stat(location, call), /shows a certificate that is not trusted here/);
		await rejectsWith('unavailable', collect(open(), location, 'whole'));
		assert.equal((await open({ https_ca_certificates_file: nginx.caFile }).stat(location, call)).size, 4);
		assert.equal((await open({ https_insecure: 'true' }).stat(location, call)).size, 4);
		const settings = httpSettings(
			options({ https_ca_certificates_file: nginx.caFile, https_insecure: 'true', http_allowed_hosts: 'other.example' }),
		);
		const misnamed = openHttp(settings, { resolve: async () => ['127.0.0.1'] });
		await rejectsWith('unavailable', misnamed.stat(`https://other.example:${nginx.tlsPort}/x`, call));
	});

	it('says of a server without ranges that it gives whole images only, and reads no more than the head of its answer', async () => {
		const bytes = randomBytes(40 * MiB);
		const location = `${nginx.url}/whole/${await seed(bytes)}`;
		const driver = open();
		for (const [start, end] of [
			[0, 5],
			[3, 70_000],
			[16 * MiB, 17 * MiB],
			[1, bytes.length],
		] as const)
			await assert.rejects(collect(driver, location, { start, end }), (error: Error) => {
				assert.equal(codeOf(error), 'whole-only');
				assert.match(error.message, /gives whole images only/);
				return true;
			});
		const sent = await nginx.sent('/whole/', 4);
		// what the system's buffers between the two take
		assert.ok(
			sent.every((each) => each < 20 * MiB),
			`${sent}`,
		);
		assert.equal(digestOf(await collect(driver, location, { start: 0, end: bytes.length })), digestOf(bytes));
		assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
	});

	it('takes no part that lies behind the end', async () => {
		const bytes = randomBytes(1000);
		const driver = open();
		const range = { start: 5, end: bytes.length + 1 };
		await rejectsWith('store-failed', collect(driver, `${nginx.url}/whole/${await seed(bytes)}`, range));
		await rejectsWith('store-failed', collect(driver, `${nginx.url}/${await seed(bytes)}`, range));
		await rejectsWith('store-failed', collect(driver, `${nginx.url}/${await seed(randomBytes(4))}`, { start: 5, end: 6 }));
	});

	it('learns the size from a part where HEAD is refused', async () => {
		const name = await seed(randomBytes(4321));
		assert.equal((await open().stat(`${nginx.url}/headless/${name}`, call)).size, 4321);
		assert.equal((await open().stat(`${nginx.url}/headless-whole/${name}`, call)).size, 4321);
		await rejectsWith('not-found', open().stat(`${nginx.url}/headless/${randomUUID()}`, call));
	});

	it('follows five redirects, of the kinds that Glance follows', async () => {
		const name = await seed(Buffer.from('four'));
		const driver = open();
		assert.equal((await collect(driver, `${nginx.url}/hops/xxxxx/${name}`, 'whole')).toString(), 'four');
		await assert.rejects(driver.stat(`${nginx.url}/hops/xxxxxx/${name}`, call), /more than 5 redirects/);
		await rejectsWith('invalid', driver.stat(`${nginx.url}/loop`, call));
		for (const status of [303, 307]) await rejectsWith('invalid', driver.stat(`${nginx.url}/${status}/x`, call));
	});

	it('says of every other answer what it means', async () => {
		const codes = {
			400: 'invalid',
			403: 'forbidden',
			404: 'not-found',
			410: 'invalid',
			429: 'unavailable',
			503: 'unavailable',
		} as const;
		for (const [status, code] of Object.entries(codes)) {
			await rejectsWith(code, open().stat(`${nginx.url}/${status}/x`, call));
			await rejectsWith(code, collect(open(), `${nginx.url}/${status}/x`, 'whole'));
			await rejectsWith(code, collect(open(), `${nginx.url}/${status}/x`, whole));
		}
		await rejectsWith('invalid', open().stat(`${nginx.url}/${await seed(Buffer.alloc(0))}`, call));
		const packed = `${nginx.url}/packed/${await seed(randomBytes(9))}`;
		await assert.rejects(open().stat(packed, call), /encoded content/);
		await assert.rejects(collect(open(), packed, whole), /encoded content/);
		await rejectsWith(
			'unavailable',
			openHttp(httpSettings(options({ http_allowed_ports: '1' }))).stat('http://127.0.0.1:1/', call),
		);
	});

	it('sends the credentials of a location to the server that it names', async () => {
		const name = await seed(Buffer.from('four'));
		const at = (credentials: string) => `http://${credentials}127.0.0.1:${nginx.port}/secret/${name}`;
		assert.equal((await collect(open(), at('me:open%20sesame@'), 'whole')).toString(), 'four');
		await rejectsWith('forbidden', open().stat(at('me:open@'), call));
		await rejectsWith('forbidden', open().stat(at(''), call));
		for (const credentials of ['me@', 'me:open:sesame@', ':x@', 'me:%zz@', 'a@b:c@']) {
			const error = await open()
				.stat(at(credentials), call)
				.catch((each: unknown) => each);
			assert.match(codeOf(error) ?? '', /^(invalid|forbidden)$/, credentials);
		}
	});

	it('sends them to nobody else, and shows neither them nor a query', async () => {
		let seen: string | undefined;
		const record: WebAnswer = (request, response) => {
			seen = request.headers.authorization;
			response.setHeader('content-length', 4).end('four');
		};
		await using other = await startWebServer(record);
		await using first = await startWebServer((request, response) => {
			if (request.url === '/own') return record(request, response);
			const to = request.url === '/away' ? `${other.url}/x` : '/own';
			response.writeHead(302, { location: to }).end();
		});
		const driver = open({ http_allowed_ports: [String(other.port), String(first.port)] });
		const base = `http://me:hush@127.0.0.1:${first.port}`;
		await driver.stat(`${base}/here`, call);
		assert.equal(seen, `Basic ${btoa('me:hush')}`);
		await driver.stat(`${base}/away`, call);
		assert.equal(seen, undefined);
		for (const text of [
			'http://me:hush@127.1/x?hush',
			'http://me:hush@127.0.0.1:1/x?key=hush',
			'http://me:hush\\@127.0.0.1/',
			'http:me:hush@127.0.0.1/',
			'HTTP://me:hush@127.0.0.1/',
			'http://me:hu:sh@127.0.0.1/',
			'http://me:hush@@127.0.0.1/#hush',
			'http://127.0.0.1:1/#?hush',
		]) {
			const error: unknown = await driver.stat(text, call).catch((each: unknown) => each);
			assert.equal(codeOf(error), 'invalid', text);
			assert.doesNotMatch(String(error), /hu:?sh/, text);
		}
	});

	describe('on a server that cannot be relied on', () => {
		async function from(answer: WebAnswer, body: (location: string, driver: ReturnType<typeof open>) => Promise<unknown>) {
			await using server = await startWebServer(answer);
			await body(`${server.url}/image`, open({ http_allowed_ports: String(server.port) }));
		}

		it('takes no body that ends early', () =>
			from(
				(request, response) => {
					const [status, headers] = request.headers.range === undefined ? [200, {}] : [206, { 'content-range': 'bytes 0-3/4' }];
					response
						.writeHead(status as number, { 'content-length': 4, ...(headers as object) })
						.write('hal', () => response.destroy());
				},
				async (location, driver) => {
					await rejectsWith('unavailable', collect(driver, location, 'whole'));
					await rejectsWith('unavailable', collect(driver, location, whole));
				},
			));

		it('takes no other part than the one it asked for', async () => {
			for (const range of ['bytes 0-2/4', 'bytes 1-4/9', 'bytes 0-4/9', 'bytes */4', 'lines 0-3/4', '', undefined])
				await from(
					(_request, response) =>
						void response
							.writeHead(206, { ...(range !== undefined && { 'content-range': range }), 'content-length': 4 })
							.end('four'),
					(location, driver) => rejectsWith('store-failed', collect(driver, location, whole)),
				);
		});

		it('takes no whole where a part was not asked for, and nothing of unknown length', async () => {
			await from(
				(_request, response) => void response.writeHead(206, { 'content-range': 'bytes 0-3/4', 'content-length': 4 }).end('four'),
				(location, driver) => rejectsWith('invalid', collect(driver, location, 'whole')),
			);
			await from(
				(_request, response) => void response.writeHead(200, { 'transfer-encoding': 'chunked' }).end('four'),
				async (location, driver) => {
					await rejectsWith('invalid', driver.stat(location, call));
					await rejectsWith('invalid', collect(driver, location, 'whole'));
					await rejectsWith('invalid', collect(driver, location, whole));
				},
			);
		});

		it('takes no head without end', () =>
			from(
				(_request, response) => void response.writeHead(200, { 'content-length': 4, 'x-long': 'a'.repeat(17_000) }).end('four'),
				(location, driver) => rejectsWith('unavailable', driver.stat(location, call)),
			));

		it('is left as soon as nothing comes', () =>
			from(
				(request, response) => {
					if (request.method === 'GET') response.writeHead(200, { 'content-length': 4 }).write('f');
				},
				async (location, driver) => {
					const store = testStore('web', driver, { stallMs: 20, answerMs: 20, tries: 2 });
					await assert.rejects(store.stat(location, call), /^ImageError: store web: no answer within/);
					await assert.rejects(Array.fromAsync(store.get(location, 'whole', call)), /^ImageError: store web: nothing came for/);
				},
			));
	});
});

describe('options of the http store', () => {
	it("are Glance's, but for certificates, which are looked at", () => {
		assert.deepEqual(httpSettings({}), { insecure: false, trustedHosts: [], ports: [80, 443] });
		assert.deepEqual(httpSettings({ http_allowed_hosts: 'a.example, b.example', http_allowed_ports: '8080' }), {
			insecure: false,
			trustedHosts: ['a.example', 'b.example'],
			ports: [8080],
		});
		http.check({ http_proxy_information: '{}' });
	});
	it('that cannot be followed are refused by name', () => {
		const refused: Readonly<Record<string, StoreOptions>> = {
			http_proxy_information: { http_proxy_information: 'http:10.0.0.1:3128' },
			http_allowed_ports: { http_allowed_ports: '80,x' },
			https_ca_certificates_file: { https_ca_certificates_file: '/nowhere/ca.pem' },
			https_insecure: { https_insecure: 'perhaps' },
			http_store: { http_store: 'x' },
		};
		for (const [name, each] of Object.entries(refused)) assert.throws(() => http.check(each), new RegExp(`option ${name}`));
		for (const port of ['0', '65536', '-1']) assert.throws(() => http.check({ http_allowed_ports: port }), /is no port/);
	});
});
