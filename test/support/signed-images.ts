/** Signed images of all kinds, made by openssl with the reference script: what should be taken, and what should not. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { referenceServers } from '../../scripts/test/reference.ts';

export interface SignedImages {
	/** path of the bytes that all are about */
	readonly data: string;
	readonly cases: readonly SignedImage[];
	/** certificates by name, PEM */
	readonly certificates: ReadonlyMap<string, Buffer>;
}

export interface SignedImage {
	readonly name: string;
	readonly good: boolean;
	readonly properties: SignatureProperties;
	/** of its certificate */
	readonly certificate: string;
}

export type SignatureProperties = Readonly<
	Record<'img_signature' | 'img_signature_hash_method' | 'img_signature_key_type' | 'img_signature_certificate_uuid', string>
>;

/** Why there are none, in words. */
export async function makeSignedImages(dir: string): Promise<SignedImages | { readonly missing: string }> {
	const script = join(referenceServers(), 'make-signed-image');
	if (!existsSync(script)) return { missing: 'the reference script make-signed-image is not on this machine' };
	await promisify(execFile)(script, [dir], { timeout: 120_000 });
	const names = (await readdir(dir)).filter((name) => name.endsWith('.json')).sort();
	const cases = await Promise.all(names.map((name) => readCase(dir, name.replace(/\.json$/, ''))));
	const files = [...new Set(cases.map(({ certificate }) => certificate))];
	const certificates = await Promise.all(files.map(async (file) => [file, await readFile(join(dir, file))] as const));
	return { data: join(dir, 'image.raw'), cases, certificates: new Map(certificates) };
}

async function readCase(dir: string, name: string): Promise<SignedImage> {
	const properties = JSON.parse(await readFile(join(dir, `${name}.json`), 'utf8')) as SignatureProperties;
	const certificate = (await readFile(join(dir, `${name}.certname`), 'utf8')).trim();
	return { name, good: !name.startsWith('bad-'), properties, certificate };
}
