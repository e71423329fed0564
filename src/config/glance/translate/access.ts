/** Who may do what: the pipeline, the service's own credential, rules. */
import { ConfigError } from '#config/config.ts';
import type { SettingName } from '#config/settings.ts';
import { normalGroup } from '../ini.ts';
import { type Translation, textOf } from '../translation.ts';

const MODES: Readonly<Record<string, string>> = { '': 'none', keystone: 'keystone', 'trusted-auth': 'proxy' };
const CACHES: readonly string[] = ['caching', 'cachemanagement'];

/** Glance's pipelines by name. One that is not known may do anything, so it is not guessed at. */
export function translateFlavor({ said, give }: Translation): void {
	const flavor = said('paste_deploy.flavor');
	const parts = String(flavor?.value ?? '').split('+');
	const [last = ''] = parts.slice(-1);
	const isCached = CACHES.includes(last);
	const mode = MODES[(isCached ? parts.slice(0, -1) : parts).join('+')];
	if (mode === undefined)
		throw new ConfigError(
			`${flavor?.place}: a flavor of Glance is needed: keystone, trusted-auth or none, with +caching or +cachemanagement`,
		);
	give('auth', mode, 'paste_deploy.flavor');
	give('cache', String(isCached), 'paste_deploy.flavor');
}

type Part =
	| 'Username'
	| 'Password'
	| 'UserDomain'
	| 'Project'
	| 'ProjectDomain'
	| 'ApplicationCredentialId'
	| 'ApplicationCredentialSecret';

/** A text for a setting, and the option that it comes from. */
type Parts = ReadonlyMap<Part, readonly [text: string, ref: string]>;

const PASSWORD_TYPES: readonly string[] = ['', 'password', 'v3password'];

/** What a group says of the one who asks. Of a way to authenticate that is not spoken here it is nothing. */
function credentialIn(group: string, translation: Translation): Parts {
	const { said, value } = translation;
	const section = normalGroup(textOf(value(`${group}.auth_section`)) ?? group);
	const parts = new Map<Part, readonly [string, string]>();
	const take = (part: Part, ...options: readonly string[]) => {
		for (const option of options) {
			const ref = `${section}.${option}`;
			const text = textOf(said(ref)?.value);
			if (text !== undefined)
				return parts.set(part, [option.endsWith('_id') && part !== 'ApplicationCredentialId' ? `id:${text}` : text, ref]);
		}
		return parts;
	};
	const type = textOf(value(`${section}.auth_type`)) ?? '';
	if (type === 'v3applicationcredential') {
		take('ApplicationCredentialId', 'application_credential_id');
		take('ApplicationCredentialSecret', 'application_credential_secret');
	} else if (PASSWORD_TYPES.includes(type)) {
		take('Username', 'user_id', 'username');
		take('Password', 'password');
		take('UserDomain', 'user_domain_id', 'user_domain_name', 'default_domain_id', 'default_domain_name');
		take('Project', 'project_id', 'project_name');
		take('ProjectDomain', 'project_domain_id', 'project_domain_name', 'default_domain_id', 'default_domain_name');
	}
	return parts;
}

export function translateKeystone(translation: Translation): void {
	const { value, give } = translation;
	const group = normalGroup(textOf(value('keystone_authtoken.auth_section')) ?? 'keystone_authtoken');
	const simple: readonly [SettingName, string][] = [
		['keystoneUrl', `${group}.auth_url`],
		['keystoneRegion', 'keystone_authtoken.region_name'],
		['keystoneCaFile', `${group}.cafile`],
	];
	for (const [setting, ref] of simple) {
		const text = textOf(value(ref));
		if (text !== undefined) give(setting, text, ref);
	}
	const insecure = value(`${group}.insecure`);
	if (insecure !== undefined) give('keystoneInsecure', String(insecure), `${group}.insecure`);
	for (const [part, [text, ref]] of credentialIn('keystone_authtoken', translation)) give(`keystone${part}`, text, ref);
}

/** [oslo_limit] has a credential of its own. It is left out where it is that of [keystone_authtoken]. */
export function translateLimits(translation: Translation): void {
	const { value, give } = translation;
	const ref = ['oslo_limit.endpoint_region_name', 'oslo_limit.region_name'].find((name) => textOf(value(name)) !== undefined);
	if (ref !== undefined) give('unifiedLimitsRegion', String(value(ref)), ref);
	const own = credentialIn('keystone_authtoken', translation);
	const reader = credentialIn('oslo_limit', translation);
	const parts = ['Username', 'Password', 'UserDomain', 'ApplicationCredentialId', 'ApplicationCredentialSecret'] as const;
	if (parts.every((part) => reader.get(part)?.[0] === own.get(part)?.[0])) return;
	for (const part of parts) {
		const said = reader.get(part);
		if (said !== undefined) give(`unifiedLimits${part}`, ...said);
	}
}

/** Debian's Glance knows two switches for one thing, and does not start when they differ. */
export function translateDefaultRules({ said, give }: Translation): void {
	const enforced = said('oslo_policy.enforce_new_defaults');
	const secure = said('DEFAULT.enforce_secure_rbac');
	if (enforced !== undefined && secure !== undefined && enforced.value !== secure.value)
		throw new ConfigError(`${secure.place}: it must be what [oslo_policy] enforce_new_defaults is, ${enforced.value}`);
	const chosen = enforced ?? secure;
	if (chosen !== undefined)
		give('policyEnforceNewDefaults', String(chosen.value), 'oslo_policy.enforce_new_defaults', 'DEFAULT.enforce_secure_rbac');
}

/** Rules are found beside the files. Those that Glance looks for unasked may be absent; a named one is meant to be there. */
export function translateRuleFiles({ said, give, find, place }: Translation): void {
	const named = textOf(said('oslo_policy.policy_file')?.value);
	const file = named === undefined ? (find('policy.yaml') ?? find('policy.json')) : place(named);
	if (file !== undefined) give('policyFile', file, 'oslo_policy.policy_file');
	const dirs = said('oslo_policy.policy_dirs')?.value;
	const folders = Array.isArray(dirs) ? dirs.map(place) : [find('policy.d')].filter((dir) => dir !== undefined);
	if (folders.length > 0) give('policyDirs', folders, 'oslo_policy.policy_dirs');
	const protections = textOf(said('DEFAULT.property_protection_file')?.value);
	if (protections !== undefined) give('propertyProtectionFile', place(protections), 'DEFAULT.property_protection_file');
	const schema = find('schema-image.json');
	if (schema !== undefined) give('apiSchemaFile', schema);
}
