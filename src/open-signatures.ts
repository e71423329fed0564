/** Signatures put together: where certificates are looked for, in their order. Part of the composition root; it decides nothing. */
import type { Signatures } from '#domain/ports/signatures.ts';
import type { KeyManager } from '#key-manager/ports.ts';
import { createBarbicanCertificates } from '#signatures/barbican-certificates.ts';
import { createCertificateFolder } from '#signatures/certificate-folder.ts';
import { createSignatures } from '#signatures/signatures.ts';
import type { Surroundings } from './surroundings.ts';

/** Talks to nobody yet. */
export function openSignatures(
	{ config, log }: Pick<Surroundings, 'config' | 'log'>,
	keyManager: KeyManager | undefined,
): Signatures {
	const { certificatesDir: dir } = config.signatures;
	const certificates = [
		...(dir === undefined ? [] : [createCertificateFolder({ dir, log })]),
		...(keyManager ? [createBarbicanCertificates({ keyManager, log })] : []),
	];
	return createSignatures({ certificates, log });
}
