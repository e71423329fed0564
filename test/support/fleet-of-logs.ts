/**
 * Log writers for the catalogue's suites: real ed25519 keys, and certificates that say which site they are for
 * without anybody's signature. What certificates are worth is the fleet's suites' matter.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import type { LogSigner, LogTrust } from '#catalogue/ports.ts';
import type { ImageCreate, ImageSetData, ImageStage, NodeAnnounce, Op } from '#domain/ops.ts';

export interface LogWriter {
	readonly log: string;
	readonly site: string;
	readonly signer: LogSigner;
	readonly certificate: string;
	readonly announce: NodeAnnounce;
}

const RAW_KEY_BYTES = 32;

export function logWriter(site: string, privateKey: KeyObject = generateKeyPairSync('ed25519').privateKey): LogWriter {
	const raw = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-RAW_KEY_BYTES);
	const log = `L${raw.toString('hex')}`;
	const certificate = certificateFor(log, site);
	return {
		log,
		site,
		signer: { log, sign: (bytes) => sign(null, bytes, privateKey) },
		certificate,
		announce: { type: 'node.announce', certificate, addresses: ['/ip4/127.0.0.1/tcp/4001'] },
	};
}

/** A writer whose key is the same in every run. */
export function fixedLogWriter(site: string, seed: number): LogWriter {
	const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(RAW_KEY_BYTES, seed)]);
	return logWriter(site, createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
}

export function certificateFor(log: string, site: string): string {
	return Buffer.from(JSON.stringify({ log, site })).toString('base64url');
}

const keys = new Map<string, KeyObject>();

function publicKeyOf(log: string): KeyObject {
	const known = keys.get(log);
	if (known) return known;
	const x = Buffer.from(log.slice(1), 'hex').toString('base64url');
	const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
	keys.set(log, key);
	return key;
}

export const logTrust: LogTrust = {
	verify(log, bytes, signature) {
		return /^L[0-9a-f]{64}$/.test(log) && verify(null, bytes, publicKeyOf(log), signature);
	},
	siteOf(log, certificate) {
		try {
			const claim: unknown = JSON.parse(Buffer.from(certificate, 'base64url').toString());
			if (typeof claim !== 'object' || claim === null || !('log' in claim) || !('site' in claim)) return undefined;
			return claim.log === log && typeof claim.site === 'string' ? claim.site : undefined;
		} catch {
			return undefined;
		}
	},
};

/** A valid image id made from a number. */
export function imageId(n: number): string {
	return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

export function createOp(id: string, fields: Partial<ImageCreate['fields']> = {}): ImageCreate {
	return {
		type: 'image.create',
		id,
		fields: {
			name: null,
			visibility: 'shared',
			owner: 'project-a',
			protected: false,
			hidden: false,
			minDisk: 0,
			minRam: 0,
			diskFormat: null,
			containerFormat: null,
			tags: [],
			properties: {},
			...fields,
		},
	};
}

export const rootOf = (n: number) => `bafybei${n.toString(2).replaceAll('0', 'a').replaceAll('1', 'b').padStart(52, 'a')}`;

export function dataOp(id: string, n = 1): ImageSetData {
	return {
		type: 'image.data',
		id,
		content: { root: rootOf(n), size: n * 1000, blockSize: 1024 * 1024 },
		checksum: n.toString(16).padStart(32, '0'),
		hashAlgorithm: 'sha512',
		hashValue: n.toString(16).padStart(128, '0'),
		virtualSize: null,
	};
}

/** The staged data of an image that is `uploading`. */
export function stageOp(id: string, n = 1): ImageStage {
	const { type: _, virtualSize: __, ...facts } = dataOp(id, n);
	return { ...facts, type: 'image.stage' };
}

/** The ops that take a new image to `active`. */
export function activeImage(id: string, fields: Partial<ImageCreate['fields']> = {}, n = 1): readonly Op[] {
	return [createOp(id, fields), { type: 'image.status', id, status: 'saving' }, dataOp(id, n)];
}
