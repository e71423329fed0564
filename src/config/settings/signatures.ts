/** Signatures of images: where the certificates are that they are checked with. docs/signatures.md */
import { BARBICAN_INTERFACES, type KeystoneConfig, type SignaturesConfig } from '../config.ts';
import { parseBaseUrl, parsePath } from '../parse.ts';
import { parseBoolean, parseOneOf, parseSeconds, parseWord } from '../parse-values.ts';
import { one, type Refuse, type Values } from './setting.ts';

const MAX_TIMEOUT_S = 300;

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
	barbican: one(
		{
			key: 'signatures.barbican',
			hint: 'true|false',
			help: 'Barbican is asked for certificates',
			byDefault: 'true with `signatures.barbican_url` and where Keystone says who asks',
		},
		parseBoolean,
	),
	barbicanUrl: one(
		{
			key: 'signatures.barbican_url',
			hint: 'URL',
			help: 'where Barbican is, with or without /v1',
			byDefault: "from Keystone's catalogue",
		},
		(text) => parseBaseUrl(text).replace(/\/v1$/, ''),
	),
	barbicanInterface: one(
		{
			key: 'signatures.barbican_interface',
			hint: BARBICAN_INTERFACES.join('|'),
			help: "which of the catalogue's addresses",
			byDefault: 'public',
		},
		parseOneOf(BARBICAN_INTERFACES),
	),
	barbicanRegion: one({ key: 'signatures.barbican_region', hint: 'name', help: 'of which region', byDefault: 'any' }, parseWord),
	barbicanTimeoutMs: one(
		{ key: 'signatures.barbican_timeout', hint: 'seconds', help: 'for one request to Barbican', byDefault: '10' },
		parseSeconds({ min: 0.1, max: MAX_TIMEOUT_S }),
	),
	barbicanCaFile: one(
		{
			key: 'signatures.barbican_ca_file',
			hint: 'file',
			help: 'PEM of the authorities that Barbican is believed from',
			byDefault: "the system's",
		},
		parsePath,
	),
	barbicanInsecure: one(
		{
			key: 'signatures.barbican_insecure',
			hint: 'true|false',
			help: "Barbican's certificate is not checked",
			byDefault: 'false',
		},
		parseBoolean,
	),
	barbicanServiceToken: one(
		{
			key: 'signatures.barbican_service_token',
			hint: 'true|false',
			help: "the node's own token goes beside the caller's",
			byDefault: 'false',
		},
		parseBoolean,
	),
} as const;

type Said = Values<typeof signatureSettings>;

/** Barbican is asked for on its own account, and Keystone is there to be asked for a token. */
export function needsKeystone({ barbican, barbicanUrl }: Said, { hasKeystone }: { readonly hasKeystone: boolean }): boolean {
	return barbican ?? (hasKeystone && barbicanUrl !== undefined);
}

export function signaturesOf(
	said: Said,
	refuse: Refuse<typeof signatureSettings>,
	keystone: KeystoneConfig | undefined,
): SignaturesConfig {
	const { certificatesDir, barbican, barbicanUrl: url, barbicanRegion: region, barbicanCaFile: caFile } = said;
	if (barbican === true && url === undefined && keystone === undefined)
		return refuse('barbican', 'nobody knows where it is: set SUNDOG_KEYSTONE_URL or SUNDOG_SIGNATURES_BARBICAN_URL');
	const asked = barbican ?? (url !== undefined || keystone !== undefined);
	return {
		...(certificatesDir !== undefined && { certificatesDir }),
		...(asked && {
			barbican: {
				...(url !== undefined && { url }),
				interface: said.barbicanInterface ?? 'public',
				...(region !== undefined && { region }),
				timeoutMs: said.barbicanTimeoutMs ?? 10_000,
				...(caFile !== undefined && { caFile }),
				insecure: said.barbicanInsecure ?? false,
				serviceToken: said.barbicanServiceToken ?? false,
			},
		}),
	};
}
