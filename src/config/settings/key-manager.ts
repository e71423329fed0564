/** Where the key manager is that keeps certificates of signed images and keys of encrypted ones. docs/operating.md */
import { BARBICAN_INTERFACES, type BarbicanConfig, type KeystoneConfig } from '../config.ts';
import { parseBaseUrl, parsePath } from '../parse.ts';
import { parseBoolean, parseOneOf, parseSeconds, parseWord } from '../parse-values.ts';
import { one, type Refuse, type Values } from './setting.ts';

const MAX_TIMEOUT_S = 300;

export const keyManagerSettings = {
	barbican: one(
		{
			key: 'key_manager.barbican',
			hint: 'true|false',
			help: 'Barbican is asked for certificates of signed images, and to delete the keys of deleted ones',
			byDefault: 'true with `key_manager.barbican_url` and where Keystone says who asks',
		},
		parseBoolean,
	),
	barbicanUrl: one(
		{
			key: 'key_manager.barbican_url',
			hint: 'URL',
			help: 'where Barbican is, with or without /v1',
			byDefault: "from Keystone's catalogue",
		},
		(text) => parseBaseUrl(text).replace(/\/v1$/, ''),
	),
	barbicanInterface: one(
		{
			key: 'key_manager.barbican_interface',
			hint: BARBICAN_INTERFACES.join('|'),
			help: "which of the catalogue's addresses",
			byDefault: 'public',
		},
		parseOneOf(BARBICAN_INTERFACES),
	),
	barbicanRegion: one({ key: 'key_manager.barbican_region', hint: 'name', help: 'of which region', byDefault: 'any' }, parseWord),
	barbicanTimeoutMs: one(
		{ key: 'key_manager.barbican_timeout', hint: 'seconds', help: 'for one request to Barbican', byDefault: '10' },
		parseSeconds({ min: 0.1, max: MAX_TIMEOUT_S }),
	),
	barbicanCaFile: one(
		{
			key: 'key_manager.barbican_ca_file',
			hint: 'file',
			help: 'PEM of the authorities that Barbican is believed from',
			byDefault: "the system's",
		},
		parsePath,
	),
	barbicanInsecure: one(
		{
			key: 'key_manager.barbican_insecure',
			hint: 'true|false',
			help: "Barbican's certificate is not checked",
			byDefault: 'false',
		},
		parseBoolean,
	),
	barbicanServiceToken: one(
		{
			key: 'key_manager.barbican_service_token',
			hint: 'true|false',
			help: "the node's own token goes beside the caller's",
			byDefault: 'false',
		},
		parseBoolean,
	),
} as const;

type Said = Values<typeof keyManagerSettings>;

/** Barbican is asked for on its own account, and Keystone is there to be asked for a token. */
export function needsKeystone({ barbican, barbicanUrl }: Said, { hasKeystone }: { readonly hasKeystone: boolean }): boolean {
	return barbican ?? (hasKeystone && barbicanUrl !== undefined);
}

/** Undefined: there is none. */
export function barbicanOf(
	said: Said,
	refuse: Refuse<typeof keyManagerSettings>,
	keystone: KeystoneConfig | undefined,
): BarbicanConfig | undefined {
	const { barbican, barbicanUrl: url, barbicanRegion: region, barbicanCaFile: caFile } = said;
	if (barbican === true && url === undefined && keystone === undefined)
		return refuse('barbican', 'nobody knows where it is: set SUNDOG_KEYSTONE_URL or SUNDOG_KEY_MANAGER_BARBICAN_URL');
	if (!(barbican ?? (url !== undefined || keystone !== undefined))) return undefined;
	return {
		...(url !== undefined && { url }),
		interface: said.barbicanInterface ?? 'public',
		...(region !== undefined && { region }),
		timeoutMs: said.barbicanTimeoutMs ?? 10_000,
		...(caFile !== undefined && { caFile }),
		insecure: said.barbicanInsecure ?? false,
		serviceToken: said.barbicanServiceToken ?? false,
	};
}
