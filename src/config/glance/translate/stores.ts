/** Stores of Glance, each with what is said of it; what is not said is left to the driver, whose defaults are Glance's. */
import { ConfigError } from '#config/config.ts';
import { optionNames } from '#config/glance/options/stores.ts';
import { normalGroup } from '../ini.ts';
import type { OsloValue } from '../oslo-types.ts';
import { type Translation, textOf } from '../translation.ts';

export function translateStores(translation: Translation): void {
	const backends = translation.said('DEFAULT.enabled_backends')?.value;
	if (backends instanceof Map && backends.size > 0) severalStores(backends as ReadonlyMap<string, string>, translation);
	else oneOfEachType(translation);
}

const BACKENDS = 'DEFAULT.enabled_backends';
const DEFAULT_BACKEND = 'glance_store.default_backend';

function severalStores(backends: ReadonlyMap<string, string>, translation: Translation): void {
	const { said, value, give, giveStore, giveChoice } = translation;
	const name = textOf(value(DEFAULT_BACKEND));
	if (name === undefined)
		throw new ConfigError(`${said(BACKENDS)?.place}: [glance_store] default_backend must name one of the stores`);
	if (!backends.has(name)) throw new ConfigError(`${said(DEFAULT_BACKEND)?.place}: "${name}" is not in enabled_backends`);
	for (const [id, type] of backends) {
		const group = normalGroup(id);
		giveStore(id, 'type', type, BACKENDS);
		giveOptions(id, type, [group, 'backend_defaults'], translation);
		const description = textOf(said(`${group}.store_description`)?.value);
		if (description !== undefined) giveStore(id, 'description', description, `${group}.store_description`);
		const weight = said(`${group}.weight`)?.value;
		if (weight !== undefined) giveStore(id, 'weight', String(weight), `${group}.weight`);
	}
	give('defaultStore', name, DEFAULT_BACKEND);
	giveChoice(true);
}

const STORES = 'glance_store.stores';
const DEFAULT_STORE = 'glance_store.default_store';
/** A store can be named by any of its schemes. */
const TYPES: Readonly<Record<string, string>> = {
	filesystem: 'file',
	https: 'http',
	'swift+http': 'swift',
	'swift+https': 'swift',
	'swift+config': 'swift',
	's3+http': 's3',
	's3+https': 's3',
	vsphere: 'vmware',
};
const typeOf = (name: string) => (Object.hasOwn(TYPES, name) ? TYPES[name] : undefined) ?? name;

/** Without ids of its own each store is called by its type. */
function oneOfEachType(translation: Translation): void {
	const { said, value, give, giveStore } = translation;
	const names = value(STORES);
	const types = new Set((Array.isArray(names) ? (names as readonly string[]) : []).map(typeOf));
	for (const type of types) {
		giveStore(type, 'type', type, STORES);
		giveOptions(type, type, ['glance_store'], translation);
	}
	const chosen = String(value(DEFAULT_STORE));
	if (!types.has(typeOf(chosen)))
		throw new ConfigError(
			`${(said(DEFAULT_STORE) ?? said(STORES))?.place}: the default store "${chosen}" is not in [glance_store] stores`,
		);
	give('defaultStore', typeOf(chosen), DEFAULT_STORE);
}

/** Of the groups the first that says an option counts. */
function giveOptions(id: string, type: string, groups: readonly string[], translation: Translation): void {
	const { said, giveStore } = translation;
	for (const name of optionNames(type).filter((each) => !FOLDERS.includes(each))) {
		const ref = groups.map((group) => `${group}.${name}`).find((each) => said(each) !== undefined);
		if (ref !== undefined) giveStore(id, name, textsOf(said(ref)?.value ?? ''), ref);
	}
	if (type === 'file') giveFolder(id, groups, translation);
}

const FOLDERS: readonly string[] = ['filesystem_store_datadir', 'filesystem_store_datadirs'];

/** One or several, never both. Its default is the only one that a driver has not got. */
function giveFolder(id: string, groups: readonly string[], { said, value, giveStore }: Translation): void {
	const refsIn = (group: string) => FOLDERS.map((name) => `${group}.${name}`).filter((ref) => said(ref) !== undefined);
	const [ref, other] = groups.map(refsIn).find((refs) => refs.length > 0) ?? [];
	if (other !== undefined) throw new ConfigError(`${said(other)?.place}: it cannot stand beside filesystem_store_datadir`);
	const chosen = ref ?? `${groups[0]}.filesystem_store_datadir`;
	giveStore(id, chosen.slice(chosen.lastIndexOf('.') + 1), textsOf(value(chosen) ?? ''), chosen);
}

/** As drivers read them: in the words of an INI file. */
function textsOf(value: OsloValue): string | readonly string[] {
	if (value instanceof Map) return [...value].map(([key, each]) => `${key}:${each}`).join(',');
	return Array.isArray(value) ? value : String(value);
}
