/** How much of everything. */
import { TiB } from '#lib/sizes.ts';
import {
	type KeystoneConfig,
	type KeystoneCredential,
	OVERSHOOTS,
	type QuotaConfig,
	type UnifiedLimitsConfig,
} from '../config.ts';
import { parseKeystoneName } from '../parse.ts';
import { parseBoolean, parseBytes, parseBytesOrNone, parseCount, parseOneOf, parsePassword, parseWord } from '../parse-values.ts';
import { one, type Refuse, secret, type Values } from './setting.ts';

const orNone = parseCount({ min: -1 });

export const quotaSettings = {
	imageSizeCap: one(
		{ key: 'image_size_cap', hint: 'size', help: 'the most bytes one image may have', byDefault: '1 TiB' },
		parseBytes,
	),
	quotaUserStorage: one(
		{
			key: 'quota.user_storage',
			hint: 'size',
			help: 'the most bytes the images of one project may have',
			byDefault: '0: no limit',
		},
		parseBytesOrNone,
	),
	quotaImageProperties: one(
		{ key: 'quota.image_properties', hint: 'count', help: 'custom properties of one image; -1 is no limit', byDefault: '128' },
		orNone,
	),
	quotaImageTags: one(
		{ key: 'quota.image_tags', hint: 'count', help: 'tags of one image; -1 is no limit', byDefault: '128' },
		orNone,
	),
	quotaImageMembers: one(
		{ key: 'quota.image_members', hint: 'count', help: 'members of one image; -1 is no limit', byDefault: '128' },
		orNone,
	),
	quotaImageLocations: one(
		{ key: 'quota.image_locations', hint: 'count', help: 'locations of one image; -1 is no limit', byDefault: '10' },
		orNone,
	),
	quotaQueuedImages: one(
		{
			key: 'quota.queued_images',
			hint: 'count',
			help: 'images of one project that may wait for their bytes at once; Glance has no such limit',
			byDefault: '0: no limit',
		},
		parseCount(),
	),
	quotaOvershoot: one(
		{
			key: 'quota.overshoot',
			hint: OVERSHOOTS.join('|'),
			help: 'as Glance, `one` lets an upload of undeclared size pass a limit on storage that it began within',
			byDefault: 'none',
		},
		parseOneOf(OVERSHOOTS),
	),
	unifiedLimits: one(
		{
			key: 'unified_limits.enabled',
			env: 'SUNDOG_UNIFIED_LIMITS',
			flag: '--unified-limits',
			hint: 'true|false',
			help: "Keystone's limits hold too",
			byDefault: 'false',
		},
		parseBoolean,
	),
	unifiedLimitsEndpointId: one(
		{
			key: 'unified_limits.endpoint_id',
			hint: 'id',
			help: 'the endpoint whose limits they are',
			byDefault: 'found by the name of the service',
		},
		parseWord,
	),
	unifiedLimitsServiceName: one(
		{
			key: 'unified_limits.service_name',
			hint: 'name',
			help: 'the service whose limits they are',
			byDefault: 'the service of `keystone.service_type`',
		},
		parseWord,
	),
	unifiedLimitsRegion: one(
		{ key: 'unified_limits.region', hint: 'name', help: 'the region whose limits they are', byDefault: '`keystone.region`' },
		parseWord,
	),
	unifiedLimitsUsername: one(
		{
			key: 'unified_limits.username',
			hint: 'name|id:ID',
			help: 'who reads limits, when another user than `keystone.username`',
			byDefault: 'none',
		},
		parseKeystoneName,
	),
	unifiedLimitsUserDomain: one(
		{ key: 'unified_limits.user_domain', hint: 'name|id:ID', help: 'the domain of that user', byDefault: 'Default' },
		parseKeystoneName,
	),
	unifiedLimitsPassword: secret(
		{ key: 'unified_limits.password', hint: 'password', help: 'the password of that user', byDefault: 'none' },
		parsePassword,
	),
	unifiedLimitsApplicationCredentialId: one(
		{
			key: 'unified_limits.application_credential_id',
			hint: 'id',
			help: 'an application credential, instead of that user',
			byDefault: 'none',
		},
		parseWord,
	),
	unifiedLimitsApplicationCredentialSecret: secret(
		{ key: 'unified_limits.application_credential_secret', hint: 'secret', help: 'its secret', byDefault: 'none' },
		parsePassword,
	),
} as const;

type Said = Values<typeof quotaSettings>;
type Complain = Refuse<typeof quotaSettings>;

export function quotaOf(values: Said, refuse: Complain, keystone: KeystoneConfig | undefined): QuotaConfig {
	const unifiedLimits = unifiedLimitsOf(values, refuse, keystone);
	return {
		imageSizeCap: values.imageSizeCap ?? TiB,
		userStorage: values.quotaUserStorage ?? 0,
		imageProperties: values.quotaImageProperties ?? 128,
		imageTags: values.quotaImageTags ?? 128,
		imageMembers: values.quotaImageMembers ?? 128,
		imageLocations: values.quotaImageLocations ?? 10,
		...(unifiedLimits !== undefined && { unifiedLimits }),
		overshoot: values.quotaOvershoot ?? 'none',
		queuedImages: values.quotaQueuedImages ?? 0,
	};
}

function unifiedLimitsOf(values: Said, refuse: Complain, keystone: KeystoneConfig | undefined): UnifiedLimitsConfig | undefined {
	if (values.unifiedLimits !== true) return undefined;
	if (keystone === undefined)
		return refuse('unifiedLimits', 'unified limits are kept in Keystone: set SUNDOG_KEYSTONE_URL and a credential');
	const { unifiedLimitsEndpointId: endpointId, unifiedLimitsServiceName: serviceName } = values;
	const region = values.unifiedLimitsRegion ?? keystone.region;
	const credential = readerOf(values, refuse, keystone);
	return {
		...(endpointId !== undefined && { endpointId }),
		...(serviceName !== undefined && { serviceName }),
		...(region !== undefined && { region }),
		...(credential !== undefined && { credential }),
	};
}

/** Limits are read under the system's scope, which not every service user has: Glance gives them a user of their own. */
function readerOf(values: Said, refuse: Complain, { credential: own }: KeystoneConfig): KeystoneCredential | undefined {
	const { unifiedLimitsApplicationCredentialId: id, unifiedLimitsApplicationCredentialSecret: idSecret } = values;
	if (id !== undefined) {
		if (idSecret !== undefined) return { kind: 'application-credential', id, secret: idSecret };
		return refuse(
			'unifiedLimitsApplicationCredentialId',
			'its secret is missing: set SUNDOG_UNIFIED_LIMITS_APPLICATION_CREDENTIAL_SECRET',
		);
	}
	const { unifiedLimitsUsername: username, unifiedLimitsPassword: password } = values;
	if (username === undefined) return undefined;
	if (password === undefined)
		return refuse('unifiedLimitsUsername', 'its password is missing: set SUNDOG_UNIFIED_LIMITS_PASSWORD');
	const elsewhere = { project: { name: 'service' }, projectDomain: { name: 'Default' } };
	const { project, projectDomain } = own.kind === 'password' ? own : elsewhere;
	const userDomain = values.unifiedLimitsUserDomain ?? { name: 'Default' };
	return { kind: 'password', username, password, userDomain, project, projectDomain };
}
