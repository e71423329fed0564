/**
 * A node's identity: one ed25519 key, made at first start and kept in a file that only its owner can read. The same
 * key names the node to its peers (libp2p peer id) and signs the entries of its log.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { base58btc } from 'multiformats/bases/base58';
import { ImageError } from '#domain/errors.ts';
import { readPrivateFile, writePrivateFileOnce } from './private-file.ts';

export interface SigningKey {
	readonly key: KeyObject;
	/** raw public key, 32 bytes */
	readonly publicKey: Uint8Array;
	sign(bytes: Uint8Array): Uint8Array;
}

export interface NodeKey extends SigningKey {
	/** libp2p peer id, base58 text (`12D3KooW…`) */
	readonly peerId: string;
	/** raw private seed, 32 bytes */
	readonly seed: Uint8Array;
}

/**
 * A peer id of an ed25519 key is the identity multihash of its protobuf form, so id and key are each other's text.
 * libp2p peer id specification, "Keys": 00 24 (identity, 36 bytes) 08 01 (type ed25519) 12 20 (32 bytes) key.
 */
const PEER_ID_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);
/** RFC 8410 SubjectPublicKeyInfo of an ed25519 key, up to the key itself. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_BYTES = 32;

export function peerIdOf(publicKey: Uint8Array): string {
	return base58btc.baseEncode(Buffer.concat([PEER_ID_PREFIX, publicKey]));
}

/** The public key that a peer id spells; undefined for other key types and for anything that is not a peer id. */
export function publicKeyOf(peerId: string): Uint8Array | undefined {
	let bytes: Uint8Array;
	try {
		bytes = base58btc.baseDecode(peerId);
	} catch {
		return undefined;
	}
	if (bytes.length !== PEER_ID_PREFIX.length + KEY_BYTES) return undefined;
	if (!PEER_ID_PREFIX.every((byte, index) => bytes[index] === byte)) return undefined;
	return bytes.subarray(PEER_ID_PREFIX.length);
}

export function verifyWith(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
	return signature.length === 64 && verify(null, bytes, importPublicKey(publicKey), signature);
}

export function importPublicKey(publicKey: Uint8Array): KeyObject {
	return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
}

/** The node's key, made if the file is not there. Refuses a file that others could read. */
export async function openNodeKey(path: string): Promise<NodeKey> {
	const signing = await openSigningKey(path);
	const jwk = signing.key.export({ format: 'jwk' });
	return { ...signing, peerId: peerIdOf(signing.publicKey), seed: Buffer.from(jwk.d ?? '', 'base64url') };
}

export async function openSigningKey(path: string): Promise<SigningKey> {
	return (await readSigningKey(path)) ?? (await makeSigningKey(path));
}

/** The key in the file, or undefined when there is no such file. */
export async function readSigningKey(path: string): Promise<SigningKey | undefined> {
	const pem = await readPrivateFile(path);
	if (pem === undefined) return undefined;
	let key: KeyObject;
	try {
		key = createPrivateKey(pem);
	} catch (cause) {
		throw new ImageError('invalid', `${path} is not a private key in PEM form`, { cause });
	}
	if (key.asymmetricKeyType !== 'ed25519') throw new ImageError('invalid', `${path} holds a key that is not ed25519`);
	return signingKey(key);
}

async function makeSigningKey(path: string): Promise<SigningKey> {
	const { privateKey } = generateKeyPairSync('ed25519');
	await writePrivateFileOnce(path, privateKey.export({ format: 'pem', type: 'pkcs8' }));
	return signingKey(privateKey);
}

function signingKey(key: KeyObject): SigningKey {
	const publicKey = Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url');
	return { key, publicKey, sign: (bytes) => sign(null, bytes, key) };
}
