/** The conversation with Keystone, and the credential that the node has of its own. */
import type { KeystoneConfig, KeystoneCredential } from '../config.ts';
import { parseBaseUrl, parseKeystoneName, parsePath } from '../parse.ts';
import { parseBoolean, parsePassword, parseSeconds, parseWord, parseWords } from '../parse-values.ts';
import { many, one, type Refuse, secret, type Values } from './setting.ts';

/** Longer, and a revoked token would be believed for longer than anybody expects. */
const MAX_TOKEN_CACHE_S = 300;
const MAX_TIMEOUT_S = 300;

export const keystoneSettings = {
	keystoneUrl: one(
		{ key: 'keystone.url', hint: 'URL', help: 'where Keystone is, with or without /v3', byDefault: 'none' },
		parseKeystoneUrl,
	),
	keystonePublicUrl: one(
		{
			key: 'keystone.public_url',
			hint: 'URL',
			help: 'what a 401 names in WWW-Authenticate',
			byDefault: '`keystone.url`',
		},
		parseKeystoneUrl,
	),
	keystoneUsername: one(
		{ key: 'keystone.username', hint: 'name|id:ID', help: "the node's own user", byDefault: 'none' },
		parseKeystoneName,
	),
	keystonePassword: secret(
		{ key: 'keystone.password', hint: 'password', help: "the password of the node's own user", byDefault: 'none' },
		parsePassword,
	),
	keystoneUserDomain: one(
		{ key: 'keystone.user_domain', hint: 'name|id:ID', help: 'the domain of that user', byDefault: 'Default' },
		parseKeystoneName,
	),
	keystoneProject: one(
		{ key: 'keystone.project', hint: 'name|id:ID', help: 'the project that the node acts in', byDefault: 'service' },
		parseKeystoneName,
	),
	keystoneProjectDomain: one(
		{ key: 'keystone.project_domain', hint: 'name|id:ID', help: 'the domain of that project', byDefault: 'Default' },
		parseKeystoneName,
	),
	keystoneApplicationCredentialId: one(
		{
			key: 'keystone.application_credential_id',
			hint: 'id',
			help: 'an application credential, instead of user, password and project',
			byDefault: 'none',
		},
		parseWord,
	),
	keystoneApplicationCredentialSecret: secret(
		{ key: 'keystone.application_credential_secret', hint: 'secret', help: 'its secret', byDefault: 'none' },
		parsePassword,
	),
	keystoneRegion: one({ key: 'keystone.region', hint: 'name', help: 'the region of this service', byDefault: 'none' }, parseWord),
	keystoneTokenCacheMs: one(
		{
			key: 'keystone.token_cache',
			hint: 'seconds',
			help: 'how long a validated token is believed; 0 asks each time',
			byDefault: '300, which is the most',
		},
		parseSeconds({ max: MAX_TOKEN_CACHE_S }),
	),
	keystoneTimeoutMs: one(
		{ key: 'keystone.timeout', hint: 'seconds', help: 'for one request to Keystone', byDefault: '10' },
		parseSeconds({ min: 0.1, max: MAX_TIMEOUT_S }),
	),
	keystoneServiceTokenRoles: many(
		{
			key: 'keystone.service_token_roles',
			hint: 'role,…',
			help: 'a service token must carry one of them',
			byDefault: 'service',
		},
		parseWords,
	),
	keystoneServiceTokenRolesRequired: one(
		{
			key: 'keystone.service_token_roles_required',
			hint: 'true|false',
			help: 'false takes every valid token for a service token',
			byDefault: 'true',
		},
		parseBoolean,
	),
	keystoneServiceType: one(
		{
			key: 'keystone.service_type',
			hint: 'type',
			help: 'what access rules of application credentials call this service',
			byDefault: 'image',
		},
		parseWord,
	),
	keystoneCaFile: one(
		{
			key: 'keystone.ca_file',
			hint: 'file',
			help: 'PEM of the authorities that Keystone is believed from',
			byDefault: "the system's",
		},
		parsePath,
	),
	keystoneInsecure: one(
		{ key: 'keystone.insecure', hint: 'true|false', help: "Keystone's certificate is not checked", byDefault: 'false' },
		parseBoolean,
	),
} as const;

type Said = Values<typeof keystoneSettings>;

/** Of a node that talks to Keystone. Undefined: it was not said where that is. */
export function keystoneOf(values: Said, refuse: Refuse<typeof keystoneSettings>): KeystoneConfig | undefined {
	const { keystoneUrl: url, keystoneRegion: region, keystoneCaFile: caFile } = values;
	if (url === undefined) return undefined;
	return {
		url,
		publicUrl: values.keystonePublicUrl ?? url,
		credential: credentialOf(values, refuse),
		...(region !== undefined && { region }),
		tokenCacheMs: values.keystoneTokenCacheMs ?? MAX_TOKEN_CACHE_S * 1000,
		timeoutMs: values.keystoneTimeoutMs ?? 10_000,
		serviceTokenRoles: values.keystoneServiceTokenRoles ?? ['service'],
		serviceTokenRolesRequired: values.keystoneServiceTokenRolesRequired ?? true,
		serviceType: values.keystoneServiceType ?? 'image',
		...(caFile !== undefined && { caFile }),
		insecure: values.keystoneInsecure ?? false,
	};
}

function credentialOf(values: Said, refuse: Refuse<typeof keystoneSettings>): KeystoneCredential {
	const { keystoneApplicationCredentialId: id, keystoneApplicationCredentialSecret } = values;
	const { keystoneUsername: username, keystonePassword: password } = values;
	if (id !== undefined) {
		const secret =
			keystoneApplicationCredentialSecret ??
			refuse('keystoneApplicationCredentialId', 'its secret is missing: set SUNDOG_KEYSTONE_APPLICATION_CREDENTIAL_SECRET');
		return { kind: 'application-credential', id, secret };
	}
	if (username === undefined || password === undefined)
		return refuse(
			'keystoneUrl',
			'a credential is missing: set SUNDOG_KEYSTONE_USERNAME and SUNDOG_KEYSTONE_PASSWORD, or SUNDOG_KEYSTONE_APPLICATION_CREDENTIAL_ID and _SECRET',
		);
	return {
		kind: 'password',
		username,
		password,
		userDomain: values.keystoneUserDomain ?? { name: 'Default' },
		project: values.keystoneProject ?? { name: 'service' },
		projectDomain: values.keystoneProjectDomain ?? { name: 'Default' },
	};
}

/** Operators paste it from catalogues, with the version or without. */
function parseKeystoneUrl(text: string): string {
	return parseBaseUrl(text).replace(/\/v3$/, '');
}
