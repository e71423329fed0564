/** Settings from the environment. */
import { didYouMean } from './nearest.ts';
import type { RawValue } from './settings/setting.ts';
import { CONFIG_FILE, GLANCE_FILES, type RawSettings, SETTING_NAMES, SETTINGS, type SettingName, STORES } from './settings.ts';

export type Env = Readonly<Record<string, string | undefined>>;

const PREFIX = 'SUNDOG_';

/** An empty variable counts as absent, as in unit files and compose files that pass everything on. */
export function readEnvironment(env: Env, base: string): RawSettings {
	const found = new Map<SettingName, RawValue>();
	for (const name of SETTING_NAMES) {
		const variable = SETTINGS[name].env;
		const text = env[variable];
		if (text !== undefined && text !== '') found.set(name, { texts: [text], from: variable, base });
	}
	return found;
}

/** One line for each SUNDOG_* variable that nothing reads, `ofStores` being read: probably a typing error, but perhaps another tool's. */
export function unknownVariables(env: Env, ofStores: readonly string[]): readonly string[] {
	const known = [CONFIG_FILE.env, GLANCE_FILES.env, STORES.env, ...SETTING_NAMES.map((name) => SETTINGS[name].env), ...ofStores];
	return Object.keys(env)
		.filter((name) => name.startsWith(PREFIX) && !known.includes(name))
		.sort()
		.map((name) => `the variable ${name} is unknown and has no effect${didYouMean(name, known)}`);
}
