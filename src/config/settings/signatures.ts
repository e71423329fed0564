/** Signatures of images: where the certificates are that they are checked with. docs/signatures.md */
import type { SignaturesConfig } from '../config.ts';
import { parsePath } from '../parse.ts';
import { one, type Values } from './setting.ts';

export const signatureSettings = {
	certificatesDir: one(
		{
			key: 'signatures.certificates_dir',
			hint: 'folder',
			help: 'certificates of signed images: their uuid and .pem, .crt or .der; looked at before Barbican',
			byDefault: 'none',
		},
		parsePath,
	),
} as const;

export function signaturesOf({ certificatesDir }: Values<typeof signatureSettings>): SignaturesConfig {
	return { ...(certificatesDir !== undefined && { certificatesDir }) };
}
