/** Signatures of images: the same verdicts whoever keeps the certificates, and the same as cursive's, which Glance and Nova ask. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { loadConfig } from '#config/load.ts';
import type { RequestContext } from '#domain/context.ts';
import { codeOf } from '#domain/errors.ts';
import type { SignatureCheck, Signatures } from '#domain/ports/signatures.ts';
import { createKeystone } from '#keystone/keystone.ts';
import type { Keystone, ServiceAccess } from '#keystone/ports.ts';
import { openKeyManager } from '../../src/open-key-manager.ts';
import { openSignatures } from '../../src/open-signatures.ts';
import { keptLog, spelledOut } from '../support/kept-log.ts';
import { askPython, missingPython } from '../support/python-oracle.ts';
import { type Person, realBarbican } from '../support/real-barbican.ts';
import { makeSignedImages, type SignatureProperties, type SignedImages } from '../support/signed-images.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const stack = new AsyncDisposableStack();
let dir: string;
let images: SignedImages | { readonly missing: string };
before(async () => {
	dir = stack.use(await temporaryDir()).path;
	images = await makeSignedImages(join(dir, 'signed'));
});
after(() => stack.disposeAsync());

const NOBODYS_ID = '00000000-0000-4000-8000-000000000000';
const log = keptLog();

function context(token?: string, signal = new AbortController().signal): RequestContext {
	const who = { user: 'u', project: 'p', roles: [], admin: false };
	return {
		requestId: 'req-test',
		door: 'client',
		signal,
		...who,
		...(token !== undefined && { credential: { token: () => token } }),
	};
}

/** As a node would have it with these variables. */
function signatures(env: Readonly<Record<string, string>>, keystone?: Keystone & ServiceAccess): Signatures {
	const config = loadConfig({ env: { HOME: dir, SUNDOG_AUTH: 'none', ...env } });
	return openSignatures({ config, log }, openKeyManager({ config, stack }, keystone));
}

/** The bytes as they pass, and the verdict before they end: as whoever takes them in asks for it. */
async function* checkedBy(check: SignatureCheck, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
	for await (const chunk of source) {
		check.feed(chunk);
		yield chunk;
	}
	check.verify();
}

/** `ok`, or the error's code and message. */
async function verdict(
	by: Signatures,
	properties: Readonly<Record<string, string>>,
	data: string,
	ctx = context(),
): Promise<string> {
	try {
		const check = await by.begin(properties, ctx);
		if (check === undefined) return 'unchecked';
		for await (const _ of checkedBy(check, createReadStream(data)));
		return 'ok';
	} catch (error) {
		return `${codeOf(error)}: ${(error as Error).message}`;
	}
}

async function refusalOf(by: Signatures, properties: Readonly<Record<string, string>>, ctx = context()): Promise<string> {
	return verdict(by, properties, '/dev/null', ctx);
}

const REFUSED = 'invalid: signature verification failed: ';

async function folderOf(
	certificates: Readonly<Record<string, Buffer>>,
): Promise<{ readonly path: string; readonly node: Signatures }> {
	const path = stack.use(await temporaryDir()).path;
	for (const [name, bytes] of Object.entries(certificates)) await writeFile(join(path, name), bytes);
	return { path, node: signatures({ SUNDOG_SIGNATURES_CERTIFICATES_DIR: path }) };
}

/** A good case, its certificate and its data. */
function sample({ cases, certificates, data }: SignedImages, name = 'rsa2048-sha256') {
	const found = cases.find((each) => each.name === name);
	const certificate = certificates.get(found?.certificate ?? '');
	assert.ok(found !== undefined && certificate !== undefined);
	return { properties: found.properties, certificate, data };
}

describe('certificates in a folder', () => {
	test('all cases have the verdict that they should have', async (t) => {
		if ('missing' in images) return t.skip(images.missing);
		const { cases, certificates, data } = images;
		assert.equal(cases.length, 26);
		const files = cases.map(({ properties, certificate }) => [
			`${properties.img_signature_certificate_uuid}.pem`,
			certificates.get(certificate) ?? Buffer.alloc(0),
		]);
		const { node } = await folderOf(Object.fromEntries(files));
		for (const { name, good, properties } of cases) {
			const said = await verdict(node, properties, data);
			if (good) assert.equal(said, 'ok', name);
			else assert.ok(said.startsWith(REFUSED), `${name}: ${said}`);
		}
	});

	test('cursive says the same of all cases, and of base64 in every state', async (t) => {
		if ('missing' in images) return t.skip(images.missing);
		const missing = missingPython('cursive', 'castellan', 'cryptography');
		if (missing !== false) return t.skip(missing);
		const { cases, certificates, data } = images;
		const { properties: good, certificate } = sample(images);
		const text = good.img_signature;
		const bent = [
			...[` ${text}`, text.replace(/(.{64})/g, '$1\r\n'), text.replaceAll('A', 'A-_'), `${text}====`, `${text}AAAA`],
			...[
				text.replace(/=+$/, ''),
				text.replace(/=+$/, '='),
				`=${text}`,
				text.slice(1),
				text.slice(4),
				`${text}é`,
				'',
				'====',
				'AAAA',
			],
			...[text.replaceAll('+', '-').replaceAll('/', '_'), text.replace(/^(.{5})/, '$1='), text.replace(/^(.{6})/, '$1==')],
		].map((img_signature) => ({ properties: { ...good, img_signature }, certificate: certificate.toString(), data }));
		const { img_signature_key_type: _, ...three } = good;
		const questions = [
			...cases.map((each) => ({
				properties: each.properties,
				certificate: certificates.get(each.certificate)?.toString() ?? '',
				data,
			})),
			...bent,
			{ properties: three, certificate: certificate.toString(), data },
		];
		const theirs = await askPython('signature-verdicts.py', questions);
		for (const [index, { properties, certificate: pem }] of questions.entries()) {
			const { node } = await folderOf({ [`${properties.img_signature_certificate_uuid}.pem`]: Buffer.from(pem) });
			const ours = await verdict(node, properties, data);
			const expected = ['ok', 'unchecked'].includes(String(theirs[index])) ? theirs[index] : 'refused';
			assert.equal(ours.startsWith(REFUSED) ? 'refused' : ours, expected, `${properties.img_signature} ${theirs[index]} ${ours}`);
		}
	});

	test('PEM and DER are read under each of the three names', async (t) => {
		if ('missing' in images) return t.skip(images.missing);
		const { properties, certificate, data } = sample(images);
		const id = properties.img_signature_certificate_uuid;
		const der = Buffer.from(certificate.toString().replace(/-----.*-----|\s/g, ''), 'base64');
		for (const name of [`${id}.pem`, `${id}.crt`, `${id}.der`])
			for (const bytes of [certificate, der]) {
				const { node } = await folderOf({ [name]: bytes });
				assert.equal(await verdict(node, properties, data), 'ok', name);
			}
	});

	test('what is not a small file there is refused, and the reason stays in the log', async (t) => {
		if ('missing' in images) return t.skip(images.missing);
		const { properties, certificate } = sample(images);
		const id = properties.img_signature_certificate_uuid;
		const { path, node } = await folderOf({ elsewhere: certificate });
		const name = join(path, `${id}.pem`);
		const cannotBeRead = `${REFUSED}certificate ${id} cannot be read`;
		assert.equal(await refusalOf(node, properties), `${REFUSED}there is no certificate ${id}`);
		await symlink('elsewhere', name);
		assert.equal(await refusalOf(node, properties), cannotBeRead);
		await rename(name, join(path, 'link'));
		await promisify(execFile)('mkfifo', [name]);
		assert.equal(await refusalOf(node, properties), cannotBeRead);
		await rename(name, join(path, 'pipe'));
		await mkdir(name);
		assert.equal(await refusalOf(node, properties), cannotBeRead);
		await rename(name, join(path, 'folder'));
		await writeFile(name, Buffer.alloc(64 * 1024 + 1, certificate));
		assert.equal(await refusalOf(node, properties), cannotBeRead);
		assert.match(log.lines.at(-1) ?? '', /longer than 65536 bytes/);
		await writeFile(name, 'garbage');
		assert.equal(await refusalOf(node, properties), `${REFUSED}certificate ${id} is not an X.509 certificate with a usable key`);
	});

	test('a certificate is named by a uuid and nothing else', async (t) => {
		if ('missing' in images) return t.skip(images.missing);
		const { properties, certificate } = sample(images);
		const { path, node } = await folderOf({ 'plain.pem': certificate });
		const names = ['plain', '../plain', `${path}/plain`, `${NOBODYS_ID}/../plain`, `${NOBODYS_ID}\0`, ` ${NOBODYS_ID}`, ''];
		for (const img_signature_certificate_uuid of names)
			assert.equal(
				await refusalOf(node, { ...properties, img_signature_certificate_uuid }),
				`${REFUSED}img_signature_certificate_uuid is not a uuid`,
			);
	});
});

describe('what is signed', () => {
	test('it is the data: a digest of it, and MD5 or SHA-1 by any name, are refused', async (t) => {
		if ('missing' in images) return t.skip(images.missing);
		const { properties, certificate, data } = sample(images);
		const id = properties.img_signature_certificate_uuid;
		const { node } = await folderOf({ [`${id}.pem`]: certificate });
		for (const method of ['MD5', 'md5', 'SHA-1', 'SHA1', 'sha-256', 'SHA-256 ', 'toString', '__proto__'])
			assert.equal(
				await verdict(node, { ...properties, img_signature_hash_method: method }, data),
				`${REFUSED}img_signature_hash_method is none of SHA-224, SHA-256, SHA-384, SHA-512`,
			);
		// signed over the md5 in hex, as Glance once did
		const sums = join(dir, 'md5');
		const { stdout } = await promisify(execFile)('openssl', ['dgst', '-md5', '-r', data]);
		await writeFile(sums, stdout.slice(0, 32));
		const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:max', '-sigopt', 'rsa_mgf1_md:sha256'];
		const key = join(dir, 'signed', 'rsa2048.key.pem');
		await promisify(execFile)('openssl', ['dgst', '-sha256', ...pss, '-sign', key, '-out', `${sums}.sig`, sums]);
		const { stdout: base64 } = await promisify(execFile)('openssl', ['base64', '-A', '-in', `${sums}.sig`]);
		const overMd5 = { ...properties, img_signature: base64 };
		assert.equal(await verdict(node, overMd5, sums), 'ok');
		assert.equal(
			await verdict(node, overMd5, data),
			`${REFUSED}the data is not what was signed with the key of certificate ${id}`,
		);
	});

	test('one byte more, one less, one changed or none at all is refused, and asked again it is the same', async (t) => {
		if ('missing' in images) return t.skip(images.missing);
		const { properties, certificate, data } = sample(images, 'secp384r1-sha384');
		const { node } = await folderOf({ [`${properties.img_signature_certificate_uuid}.pem`]: certificate });
		const whole = Buffer.concat(await Array.fromAsync(createReadStream(data)));
		const flipped = Buffer.from(whole);
		flipped[500_000] = (flipped[500_000] ?? 0) ^ 1;
		const wrong = [Buffer.concat([whole, Buffer.from([0])]), whole.subarray(0, -1), flipped, Buffer.alloc(0)];
		for (const bytes of [whole, ...wrong]) {
			const check = await node.begin(properties, context());
			check?.feed(bytes);
			for (const _ of [1, 2])
				if (bytes === whole) check?.verify();
				else assert.throws(() => check?.verify(), { code: 'invalid' });
		}
	});

	test('a key too short for a salt of its own is refused, not taken with any salt', async (t) => {
		if ('missing' in images) return t.skip(images.missing);
		const key = join(dir, 'short.pem');
		const openssl = (...args: readonly string[]) => promisify(execFile)('openssl', args);
		// 64 bytes of key, 64 of hash, 2 of form: what is left for the salt is -2, by which Node means "any"
		await openssl('genrsa', '-out', key, '512');
		await openssl('req', '-new', '-x509', '-sha256', '-key', key, '-out', `${key}.crt`, '-subj', '/CN=short');
		const { node } = await folderOf({
			[`${NOBODYS_ID}.pem`]: Buffer.concat(await Array.fromAsync(createReadStream(`${key}.crt`))),
		});
		const properties = {
			...sample(images).properties,
			img_signature_certificate_uuid: NOBODYS_ID,
			img_signature_hash_method: 'SHA-512',
		};
		assert.match(await refusalOf(node, properties), /too short for this hash/);
	});

	test('other kinds of keys are refused by name', async (t) => {
		if ('missing' in images) return t.skip(images.missing);
		const path = join(dir, 'ed25519.pem');
		const args = ['req', '-new', '-x509', '-newkey', 'ed25519', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=x', '-out', path];
		await promisify(execFile)('openssl', args);
		const { node } = await folderOf({ [`${NOBODYS_ID}.crt`]: Buffer.concat(await Array.fromAsync(createReadStream(path))) });
		const properties = { ...sample(images).properties, img_signature_certificate_uuid: NOBODYS_ID };
		for (const img_signature_key_type of ['RSA-PSS', 'DSA', 'ECC_SECP384R1'])
			assert.equal(
				await refusalOf(node, { ...properties, img_signature_key_type }),
				`${REFUSED}the key of certificate ${NOBODYS_ID} is not one of the type ${img_signature_key_type}`,
			);
	});

	test('with fewer than four properties nothing is looked at, and without any certificates nothing passes', async () => {
		const node = signatures({});
		const all: SignatureProperties = {
			img_signature: 'AAAA',
			img_signature_hash_method: 'SHA-256',
			img_signature_key_type: 'DSA',
			img_signature_certificate_uuid: NOBODYS_ID,
		};
		for (const name of Object.keys(all))
			assert.equal(
				await node.begin(Object.fromEntries(Object.entries(all).filter(([each]) => each !== name)), context()),
				undefined,
			);
		assert.equal(await refusalOf(node, all), `${REFUSED}there is no certificate ${NOBODYS_ID}`);
	});
});

describe('certificates in a real Barbican', () => {
	test("all cases, the caller's rights and the node's own", async (t) => {
		if ('missing' in images) return t.skip(images.missing);
		const barbican = await realBarbican();
		if (barbican.missing !== false) return t.skip(barbican.missing);
		await using _ = barbican;
		const { cases, certificates, data } = images;
		using keystone = createKeystone({
			url: barbican.keystoneUrl,
			credential: {
				kind: 'password',
				username: { name: 'glance' },
				password: 'glance',
				userDomain: { name: 'Default' },
				project: { name: 'service' },
				projectDomain: { name: 'Default' },
			},
			timeoutMs: 20_000,
			insecure: false,
			clock: Date.now,
			log,
		});
		const env = {
			SUNDOG_KEYSTONE_URL: barbican.keystoneUrl,
			SUNDOG_KEYSTONE_USERNAME: 'glance',
			SUNDOG_KEYSTONE_PASSWORD: 'glance',
			SUNDOG_KEY_MANAGER_BARBICAN: 'true',
		};
		const found = signatures(env, keystone);
		const told = signatures({ ...env, SUNDOG_KEY_MANAGER_BARBICAN_URL: `${barbican.url}/v1/` }, keystone);
		const by = async (person: Person) => context(await barbican.token(person));
		const demo = await by('demo');
		const ids = new Map<string, string>();
		for (const [name, payload] of certificates) ids.set(name, await barbican.store('demo', { payload }));

		await t.test("the caller's token opens what is the caller's", async () => {
			for (const { name, good, properties, certificate } of cases) {
				const img_signature_certificate_uuid = ids.get(certificate) ?? '';
				const said = await verdict(found, { ...properties, img_signature_certificate_uuid }, data, demo);
				if (good) assert.equal(said, 'ok', name);
				else assert.ok(said.startsWith(REFUSED), `${name}: ${said}`);
			}
		});

		const { properties, certificate } = sample(images);
		const asking = (id: string, ctx: RequestContext, node = told) =>
			verdict(node, { ...properties, img_signature_certificate_uuid: id }, data, ctx);
		const der = Buffer.from(certificate.toString().replace(/-----.*-----|\s/g, ''), 'base64');
		const mine = ids.get('rsa2048.cert.pem') ?? '';
		const asText = await barbican.store('demo', { payload: certificate, contentType: 'text/plain' });
		const asDer = await barbican.store('demo', { payload: der });
		const opaque = await barbican.store('demo', { payload: certificate, type: 'opaque' });
		const garbage = await barbican.store('demo', { payload: Buffer.from('garbage') });

		await t.test('text and DER are read as well', async () => {
			assert.equal(await asking(asText, demo), 'ok');
			assert.equal(await asking(asDer, demo), 'ok');
		});

		await t.test('a caller is told what is wrong with a secret that they may see', async () => {
			assert.equal(await asking(opaque, demo), `${REFUSED}certificate ${opaque} is another kind of secret in barbican`);
			assert.equal(await asking(NOBODYS_ID, demo), `${REFUSED}certificate ${NOBODYS_ID} was not found in barbican`);
			assert.match(await asking(garbage, demo), /is not an X\.509 certificate/);
			const denied = `${REFUSED}certificate ${mine} may not be read in barbican by this caller`;
			assert.equal(await asking(mine, await by('alt')), denied);
			assert.equal(await asking(mine, context('gAAAAA-not-a-token')), denied);
		});

		await t.test("without a caller's token the node's own rights count, and every refusal is the same", async () => {
			const secrets = [mine, opaque, garbage, NOBODYS_ID];
			for (const id of secrets) assert.equal(await asking(id, context()), `${REFUSED}certificate ${id} cannot be had`);
			await barbican.share('demo', mine, 'glance');
			assert.equal(await asking(mine, context()), 'ok');
			// what the node may now read is not for everybody
			assert.match(await asking(mine, await by('alt')), /may not be read/);
			await barbican.share('demo', opaque, 'glance');
			assert.equal(await asking(opaque, context()), `${REFUSED}certificate ${opaque} cannot be had`);
		});
	});
});

describe('a Barbican that misbehaves', () => {
	type Answer = (request: IncomingMessage, response: ServerResponse) => void;
	async function double(answer: Answer, env: Readonly<Record<string, string>> = {}, keystone?: Keystone & ServiceAccess) {
		const requests: IncomingMessage[] = [];
		const server = createServer((request, response) => {
			requests.push(request);
			answer(request, response);
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		stack.defer(() => void server.close().closeAllConnections());
		const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
		return { requests, node: signatures({ SUNDOG_KEY_MANAGER_BARBICAN_URL: url, ...env }, keystone) };
	}
	const METADATA = JSON.stringify({
		secret_type: 'certificate',
		status: 'ACTIVE',
		content_types: { default: 'application/octet-stream' },
	});
	const PROPERTIES: SignatureProperties = {
		img_signature: 'AAAA',
		img_signature_hash_method: 'SHA-256',
		img_signature_key_type: 'RSA-PSS',
		img_signature_certificate_uuid: NOBODYS_ID,
	};
	const CANARY = 'token-canary';
	const metadataThen =
		(payload: Answer): Answer =>
		(request, response) =>
			request.url?.endsWith('/payload') ? payload(request, response) : void response.end(METADATA);

	const bodies: readonly [string, Answer, RegExp][] = [
		['answers 503', (_, response) => void response.writeHead(503).end(CANARY), /^unavailable: .*answers 503$/],
		['is told to ask less often', (_, response) => void response.writeHead(429).end(), /^unavailable: /],
		['hangs up', (request) => void request.socket.destroy(), /^unavailable: .*cannot be reached$/],
		['says nothing', () => {}, /^unavailable: .*did not answer within 200 ms$/],
		['stops in the middle', metadataThen((_, response) => void response.write('-----BEGIN')), /^unavailable: .*within 200 ms$/],
		['talks nonsense', (_, response) => void response.end('<html>'), /^unavailable: .*cannot be read$/],
		['says null', (_, response) => void response.end('null'), /^unavailable: .*cannot be read$/],
		[
			'sends elsewhere',
			(_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
			/^invalid: .*answers 302$/,
		],
		[
			'has too long a payload',
			metadataThen((_, response) => void response.end(Buffer.alloc(65_537))),
			/^invalid: .*longer than any certificate$/,
		],
		[
			'has too long a description',
			(_, response) => void response.end(Buffer.alloc(65_537, ' ')),
			/^invalid: .*longer than any certificate$/,
		],
		[
			'has an inactive secret',
			(_, response) => void response.end('{"secret_type":"certificate","status":"PENDING"}'),
			/^invalid: .*not active/,
		],
	];
	for (const [what, answer, expected] of bodies)
		test(`one that ${what}`, async () => {
			const { node } = await double(answer, { SUNDOG_KEY_MANAGER_BARBICAN_TIMEOUT: '0.2' });
			assert.match(await refusalOf(node, PROPERTIES, context(CANARY)), expected);
			assert.doesNotMatch(log.lines.join('\n'), new RegExp(CANARY));
		});

	test('one that is not there', async () => {
		const node = signatures({ SUNDOG_KEY_MANAGER_BARBICAN_URL: 'http://127.0.0.1:1' });
		assert.match(await refusalOf(node, PROPERTIES, context(CANARY)), /^unavailable: .*cannot be reached$/);
		assert.doesNotMatch(log.lines.join('\n'), new RegExp(CANARY));
	});

	test('another kind of secret is not fetched, with whatever rights', async () => {
		const { node, requests } = await double((_, response) => void response.end('{"secret_type":"private"}'));
		assert.match(await refusalOf(node, PROPERTIES, context(CANARY)), /another kind of secret/);
		assert.deepEqual(
			requests.map(({ url }) => url),
			[`/v1/secrets/${NOBODYS_ID}`],
		);
	});

	test('a caller who leaves is not waited for', async () => {
		const leaving = new AbortController();
		const { node } = await double(() => leaving.abort(new Error('left')));
		await assert.rejects(node.begin(PROPERTIES, context(CANARY, leaving.signal)), /left/);
	});

	test("the node's own token is renewed once when it is not taken, and given along when that is wanted", async () => {
		const forgotten: string[] = [];
		const keystone: Keystone & ServiceAccess = {
			ask: () => Promise.reject(new Error('not asked')),
			token: async () => `own-${forgotten.length}`,
			forget: (token) => void forgotten.push(token),
		};
		const { node, requests } = await double((_, response) => void response.writeHead(401).end(), {}, keystone);
		assert.equal(await refusalOf(node, PROPERTIES), `${REFUSED}certificate ${NOBODYS_ID} cannot be had`);
		assert.deepEqual(
			requests.map(({ headers }) => headers['x-auth-token']),
			['own-0', 'own-1'],
		);
		const wanted = { SUNDOG_KEY_MANAGER_BARBICAN_SERVICE_TOKEN: 'true' };
		const both = await double((_, response) => void response.writeHead(404).end(), wanted, keystone);
		await refusalOf(both.node, PROPERTIES, context(CANARY));
		assert.deepEqual(
			both.requests.map(({ headers }) => [headers['x-auth-token'], headers['x-service-token']]),
			[[CANARY, 'own-1']],
		);
	});

	test('no credential shows in what is thrown or spelled out of a context', async () => {
		const ctx = context(CANARY);
		assert.doesNotMatch(JSON.stringify(ctx) + spelledOut(new Error('x', { cause: ctx })), new RegExp(CANARY));
	});
});
