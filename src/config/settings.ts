/**
 * Every setting once. The file, the environment, the flags, `--help` and the table in docs/operating.md all come from
 * here. To add one: a row in the file of its topic, and a field in config.ts that the topic's function fills.
 */
import { accessSettings } from './settings/access.ts';
import { apiSettings } from './settings/api.ts';
import { formatSettings } from './settings/formats.ts';
import { importSettings } from './settings/imports.ts';
import { keyManagerSettings } from './settings/key-manager.ts';
import { keystoneSettings } from './settings/keystone.ts';
import { nodeSettings } from './settings/node.ts';
import { notificationSettings } from './settings/notifications.ts';
import { policySettings } from './settings/policy.ts';
import { quotaSettings } from './settings/quota.ts';
import type { RawValue } from './settings/setting.ts';
import { signatureSettings } from './settings/signatures.ts';
import { upkeepSettings } from './settings/upkeep.ts';

export const SETTINGS = {
	...nodeSettings,
	...accessSettings,
	...keystoneSettings,
	...policySettings,
	...quotaSettings,
	...apiSettings,
	...formatSettings,
	...importSettings,
	...signatureSettings,
	...keyManagerSettings,
	...notificationSettings,
	...upkeepSettings,
} as const;

export type SettingName = keyof typeof SETTINGS;

/** The setting that names the file itself; it can stand only in the environment or in a flag. */
export const CONFIG_FILE = {
	env: 'SUNDOG_CONFIG',
	flag: '--config',
	hint: 'file',
	help: 'YAML or JSON with the keys of this table',
	byDefault: 'none',
} as const;

/** Glance's own files, the weakest source. Likewise. */
export const GLANCE_FILES = {
	env: 'SUNDOG_GLANCE_CONFIG',
	flag: '--glance-config',
	hint: 'file,…',
	help: "Glance's own configuration: files, or folders of *.conf, the later the stronger",
	byDefault: 'none',
} as const;

/** Which stores there are. In the file they are keys of `stores`, each with its options. */
export const STORES = {
	env: 'SUNDOG_STORES',
	hint: 'id:type,…',
	help: "central backends; their options by Glance's names: `SUNDOG_STORE_ID_OPTION`, in the file keys beside `type`",
	byDefault: "`file:file` on a node that holds the fleet's key",
} as const;

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** What one source said: raw values by setting. */
export type RawSettings = ReadonlyMap<SettingName, RawValue>;
