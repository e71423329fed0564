import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { importSPKI, jwtVerify, SignJWT } from 'jose';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { codeOf } from '#domain/errors.ts';
import { CERTIFICATE_LIFE_MS, isCurrent, issueCertificate, readCertificate } from '#fleet/certificate.ts';
import { createInvitations, INVITATION_LIFE_MS } from '#fleet/invitations.ts';
import { parseJoinToken } from '#fleet/join-token.ts';
import { createMembership } from '#fleet/membership.ts';
import { importPublicKey, type NodeKey, openNodeKey, peerIdOf, publicKeyOf } from '#fleet/node-key.ts';
import { gainStanding, type StandingOptions } from '#fleet/standing.ts';

const NOW = Date.UTC(2026, 10, 23);

describe('node key', () => {
	it('is the same at every start, readable by its owner only, and names the node as libp2p does', () =>
		inTemp(async (dir) => {
			const path = join(dir, 'identity.key');
			const key = await openNodeKey(path);
			assert.equal((await stat(path)).mode & 0o777, 0o600);
			assert.equal((await openNodeKey(path)).peerId, key.peerId);
			assert.equal(peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', key.seed)).toString(), key.peerId);
			assert.ok(Buffer.from(key.publicKey).equals(publicKeyOf(key.peerId) ?? Buffer.alloc(0)));
		}));

	it('is refused when others can read its file, or when the file is something else', () =>
		inTemp(async (dir) => {
			const path = join(dir, 'identity.key');
			await openNodeKey(path);
			await chmod(path, 0o640);
			await refused('invalid', openNodeKey(path));
			await writeFile(join(dir, 'other'), 'not a key', { mode: 0o600 });
			await refused('invalid', openNodeKey(join(dir, 'other')));
		}));

	it('spells no key for what is not an ed25519 peer id', () => {
		for (const text of ['', 'x', '0OIl', 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'])
			assert.equal(publicKeyOf(text), undefined);
	});
});

describe('certificate', () => {
	it('is a compact JWS that jose verifies with the fleet key', () =>
		withKeys(async ({ fleet, node }) => {
			const certificate = await issueCertificate(fleet, { peer: node.peerId, site: 'paris' }, NOW);
			const spki = importPublicKey(fleet.publicKey).export({ format: 'pem', type: 'spki' }).toString();
			const { payload } = await jwtVerify(certificate, await importSPKI(spki, 'EdDSA'), { currentDate: new Date(NOW) });
			assert.equal(payload.sub, node.peerId);
			assert.equal(payload.site, 'paris');
		}));

	it('says the same to us, and nothing once a byte of it differs', () =>
		withKeys(async ({ fleet, node }) => {
			const certificate = await issueCertificate(fleet, { peer: node.peerId, site: 'paris' }, NOW);
			const claims = readCertificate(peerIdOf(fleet.publicKey), certificate);
			assert.equal(claims?.site, 'paris');
			for (let index = 0; index < certificate.length; index += 1) {
				const other = certificate[index] === 'A' ? 'B' : 'A';
				const forged = `${certificate.slice(0, index)}${other}${certificate.slice(index + 1)}`;
				const read = readCertificate(peerIdOf(fleet.publicKey), forged);
				// The last character of base64 carries unused bits: another spelling of the same bytes may pass, other claims may not.
				if (read !== undefined) assert.deepEqual(read, claims);
			}
		}));

	it('is nothing when another key signed it or another profile was used', () =>
		withKeys(async ({ fleet, node, other }) => {
			const id = peerIdOf(fleet.publicKey);
			assert.equal(readCertificate(id, await issueCertificate(other, { peer: node.peerId, site: 'paris' }, NOW)), undefined);
			const claims = { iss: id, sub: node.peerId, site: 'paris', iat: 1, exp: 9e9 };
			const sign = (header: object, payload: object) =>
				new SignJWT({ ...payload }).setProtectedHeader({ alg: 'EdDSA', ...header }).sign(fleet.key);
			assert.equal(readCertificate(id, await sign({}, claims)), undefined);
			assert.equal(readCertificate(id, await sign({ typ: 'sundog-member+jwt', kid: 'x' }, claims)), undefined);
			assert.equal(readCertificate(id, await sign({ typ: 'sundog-member+jwt' }, { ...claims, site: '../x' })), undefined);
			assert.equal(readCertificate(id, await sign({ typ: 'sundog-member+jwt' }, { ...claims, sub: 'x' })), undefined);
			assert.notEqual(readCertificate(id, await sign({ typ: 'sundog-member+jwt' }, claims)), undefined);
			const none = `${Buffer.from('{"alg":"none","typ":"sundog-member+jwt"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;
			assert.equal(readCertificate(id, none), undefined);
		}));

	it('ends', () =>
		withKeys(async ({ fleet, node }) => {
			const claims = readCertificate(
				peerIdOf(fleet.publicKey),
				await issueCertificate(fleet, { peer: node.peerId, site: 'a' }, NOW),
			);
			assert.ok(claims && isCurrent(claims, NOW) && isCurrent(claims, NOW + CERTIFICATE_LIFE_MS - 1));
			assert.ok(!isCurrent(claims, NOW + CERTIFICATE_LIFE_MS) && !isCurrent(claims, NOW - 3_600_000));
		}));
});

describe('invitations', () => {
	it('are good once, for one peer, who may ask again', () =>
		withInvitations(async ({ invitations, node, other, fleet }) => {
			const token = await invitations.invite('paris');
			const [first, again] = await Promise.all([invitations.redeem(token, node.peerId), invitations.redeem(token, node.peerId)]);
			assert.equal(first, again);
			assert.equal(readCertificate(peerIdOf(fleet.publicKey), first)?.site, 'paris');
			await refused('forbidden', invitations.redeem(token, other.peerId));
		}));

	it('let exactly one of many racing peers in', () =>
		withInvitations(async ({ invitations, node, other }) => {
			const token = await invitations.invite('paris');
			const results = await Promise.allSettled([node, other].map((peer) => invitations.redeem(token, peer.peerId)));
			assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
		}));

	it('expire, and are forgotten then', () =>
		withInvitations(async ({ invitations, node, clock, kv }) => {
			const token = await invitations.invite('paris');
			clock.now += INVITATION_LIFE_MS;
			await refused('forbidden', invitations.redeem(token, node.peerId));
			await invitations.invite('oslo');
			const kept: string[] = [];
			for await (const key of kv.keys({})) kept.push(key);
			assert.equal(kept.length, 1);
		}));

	it('refuse tokens of other fleets, damaged ones, and names that are no site names', () =>
		withInvitations(async ({ invitations, node, other }) => {
			const foreign = createInvitations({ kv: memoryKeyValue(), fleetKey: other, clock: () => NOW });
			await refused('forbidden', invitations.redeem(await foreign.invite('paris'), node.peerId));
			for (const text of ['', 'sundog1', 'sundog1.a.b.c', `${await invitations.invite('x')}x`, 'x'.repeat(10_000)])
				await refused('invalid', invitations.redeem(text, node.peerId));
			for (const site of ['', 'Paris', 'a,b', '-a', 'x'.repeat(64), 'a/b']) await refused('invalid', invitations.invite(site));
		}));

	it('keep no token, only what recognises one', () =>
		withInvitations(async ({ invitations, kv }) => {
			const { secret } = parseJoinToken(await invitations.invite('paris'));
			for await (const [key, value] of kv.entries({})) assert.ok(!key.includes(secret) && !Buffer.from(value).includes(secret));
		}));
});

describe('standing', () => {
	it('of a node alone is the centre of a fleet of its own, for good', () =>
		withStanding(async (options, dir) => {
			const standing = await gainStanding(options);
			assert.ok(standing.fleetKey);
			assert.equal((await gainStanding(options)).fleet, standing.fleet);
			assert.equal((await stat(join(dir, 'fleet.key'))).mode & 0o777, 0o600);
		}));

	it('is not founded by mistake where peers are configured', () =>
		withStanding(async (options) => {
			await refused('invalid', gainStanding({ ...options, hasBootstrap: true }));
		}));

	it('refuses a data directory of another site', () =>
		withStanding(async (options) => {
			await gainStanding(options);
			await refused('invalid', gainStanding({ ...options, site: 'elsewhere' }));
		}));

	it('by token needs a certificate that the fleet of the token signed, for this node and site', () =>
		withStanding(async (options, _, { fleet, other, node }) => {
			const invitations = createInvitations({ kv: memoryKeyValue(), fleetKey: fleet, clock: () => NOW });
			const token = await invitations.invite('paris');
			const joining = { ...options, site: 'paris', hasBootstrap: true, token };
			await refused('invalid', gainStanding({ ...joining, site: 'oslo' }));
			await refused(
				'forbidden',
				gainStanding({ ...joining, redeem: () => issueCertificate(other, { peer: node.peerId, site: 'paris' }, NOW) }),
			);
			await refused(
				'forbidden',
				gainStanding({ ...joining, redeem: () => issueCertificate(fleet, { peer: other.peerId, site: 'paris' }, NOW) }),
			);
			const standing = await gainStanding({ ...joining, redeem: (text) => invitations.redeem(text, node.peerId) });
			assert.equal(standing.site, 'paris');
			assert.equal(standing.fleetKey, undefined);
			const later = await gainStanding({ ...options, site: 'paris', hasBootstrap: true });
			assert.equal(later.certificate, standing.certificate);
		}));

	it('renews its own certificate at the centre, and by a new token where it has expired', () =>
		withStanding(async (options, dir, { fleet, node }) => {
			const founded = await gainStanding(options);
			const renewed = await gainStanding({ ...options, clock: () => NOW + CERTIFICATE_LIFE_MS * 0.6 });
			assert.notEqual(renewed.certificate, founded.certificate);
			assert.equal(renewed.fleet, founded.fleet);
			const edge = { ...options, dataDir: join(dir, 'edge'), site: 'paris', hasBootstrap: true };
			let now = NOW;
			const invitations = createInvitations({ kv: memoryKeyValue(), fleetKey: fleet, clock: () => now });
			const redeem = (text: string) => invitations.redeem(text, node.peerId);
			const first = await gainStanding({ ...edge, redeem, token: await invitations.invite('paris') });
			now += CERTIFICATE_LIFE_MS + 1;
			const second = await gainStanding({ ...edge, redeem, clock: () => now, token: await invitations.invite('paris') });
			assert.notEqual(second.certificate, first.certificate);
		}));

	it('says which file is damaged', () =>
		withStanding(async (options, dir) => {
			await gainStanding(options);
			await writeFile(join(dir, 'membership.json'), '{', { mode: 0o600 });
			await assert.rejects(gainStanding(options), /membership\.json is damaged/);
		}));
});

describe('membership', () => {
	it("admits a peer by its own current certificate, not by another's", () =>
		withStanding(async (options, dir, { other, fleet }) => {
			const standing = await gainStanding(options);
			const key = standing.fleetKey!;
			const membership = createMembership({
				node: options.nodeKey.peerId,
				standing,
				nodes: () => [],
				save: async () => {},
				clock: () => NOW,
			});
			const certificate = await issueCertificate(key, { peer: other.peerId, site: 'oslo' }, NOW);
			assert.equal(membership.admits(other.peerId, certificate), 'oslo');
			assert.equal(membership.admits(peerIdOf(fleet.publicKey), certificate), undefined);
			const old = await issueCertificate(key, { peer: other.peerId, site: 'oslo' }, NOW - CERTIFICATE_LIFE_MS);
			assert.equal(membership.admits(other.peerId, old), undefined);
			await refused('forbidden', membership.redeem('x', other.peerId));
			assert.ok((await readFile(join(dir, 'membership.json'), 'utf8')).includes(standing.certificate));
		}));

	it('renews what is past half its life, and a node takes a newer certificate of its own only', () =>
		withStanding(async (options, _, { other }) => {
			const standing = await gainStanding(options);
			const key = standing.fleetKey!;
			const saved: string[] = [];
			const clock = () => NOW + CERTIFICATE_LIFE_MS * 0.6;
			const membership = createMembership({
				node: options.nodeKey.peerId,
				standing,
				nodes: () => [],
				save: async (certificate) => void saved.push(certificate),
				clock,
			});
			assert.equal(await membership.renew(other.peerId, standing.certificate), undefined);
			const fresh = await membership.renew(membership.node, standing.certificate);
			assert.ok(fresh);
			await membership.accept(fresh);
			assert.equal(membership.certificate(), fresh);
			await membership.accept(standing.certificate);
			assert.deepEqual(saved, [fresh]);
			await refused('forbidden', membership.accept(await issueCertificate(key, { peer: other.peerId, site: 'centre' }, clock())));
		}));
});

interface Keys {
	readonly fleet: NodeKey;
	readonly node: NodeKey;
	readonly other: NodeKey;
}

async function inTemp(body: (dir: string) => Promise<void>): Promise<void> {
	const dir = await mkdtemp(join(tmpdir(), 'sundog-fleet-'));
	try {
		await body(dir);
	} finally {
		await rm(dir, { recursive: true, force: true });
	}
}

function withKeys(body: (keys: Keys, dir: string) => Promise<void>): Promise<void> {
	return inTemp(async (dir) => {
		const [fleet, node, other] = await Promise.all(['f', 'n', 'o'].map((name) => openNodeKey(join(dir, name))));
		await body({ fleet: fleet!, node: node!, other: other! }, dir);
	});
}

function withInvitations(
	body: (
		scene: Keys & {
			invitations: ReturnType<typeof createInvitations>;
			clock: { now: number };
			kv: ReturnType<typeof memoryKeyValue>;
		},
	) => Promise<void>,
): Promise<void> {
	return withKeys((keys) => {
		const clock = { now: NOW };
		const kv = memoryKeyValue();
		return body({ ...keys, clock, kv, invitations: createInvitations({ kv, fleetKey: keys.fleet, clock: () => clock.now }) });
	});
}

function withStanding(body: (options: StandingOptions, dir: string, keys: Keys) => Promise<void>): Promise<void> {
	return withKeys((keys, dir) => {
		const options: StandingOptions = {
			dataDir: dir,
			nodeKey: keys.node,
			site: 'centre',
			hasBootstrap: false,
			clock: () => NOW,
			redeem: async () => assert.fail('no token was given'),
		};
		return body(options, dir, keys);
	});
}

async function refused(code: string, work: Promise<unknown>): Promise<void> {
	await assert.rejects(work, (error: unknown) => {
		assert.equal(codeOf(error), code, String(error));
		return true;
	});
}
