/**
 * A Glance operator's own file as a source of settings. It is read as oslo.config reads it, every option in it is looked
 * up in a table of what Glance knows, and what means something here becomes settings, to be overruled by Sundog's own.
 * Nothing outside this folder knows an option of Glance. docs/decisions/0010-glance-configuration.md
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { ConfigError } from '../config.ts';
import type { RawSettings } from '../settings.ts';
import type { RawStores } from '../stores.ts';
import { readGlanceFiles } from './files.ts';
import { normalGroup } from './ini.ts';
import type { GlanceOption } from './option.ts';
import { type Effective, type FoundOption, findOptions } from './report.ts';
import { createTable, type NamedGroups, type StoreFacts } from './table.ts';
import {
	translateDefaultRules,
	translateFlavor,
	translateKeystone,
	translateLimits,
	translateRuleFiles,
} from './translate/access.ts';
import {
	translateHealth,
	translateListening,
	translateListLimits,
	translateLogging,
	translateNotifications,
	translateQuotaManners,
} from './translate/service.ts';
import { translateStores } from './translate/stores.ts';
import { createDraft, type Draft, type Translation, textOf, textsOf } from './translation.ts';
import { createValues, type GlanceValues } from './values.ts';

export interface GlanceConfig {
	readonly settings: RawSettings;
	readonly stores: RawStores;
	/** its clients choose among stores: `enabled_backends` */
	readonly multi: boolean;
	/** Every option of the files, in their order, and what became of it in the end: `effective` is what all sources say. */
	explain(effective: Effective): readonly FoundOption[];
}

/** Settings that several options decide together. */
const TRANSLATORS: readonly ((translation: Translation) => void)[] = [
	translateListening,
	translateLogging,
	translateFlavor,
	translateKeystone,
	translateLimits,
	translateDefaultRules,
	translateRuleFiles,
	translateListLimits,
	translateQuotaManners,
	translateHealth,
	translateNotifications,
	translateStores,
];

/** Where Glance looks for files beside those of the operator. */
const SYSTEM_FOLDERS = ['/etc/glance'];

/** Throws `ConfigError` for what cannot be read, or cannot be honoured without harm. */
export function readGlanceConfig(spec: string, cwd: string, systemFolders: readonly string[] = SYSTEM_FOLDERS): GlanceConfig {
	const { names, contents, folders } = readGlanceFiles(spec, cwd);
	const table = createTable(namedGroups(createValues(contents, createTable())));
	const values = createValues(contents, table);
	const find = finder([...folders, ...systemFolders]);
	const place = (file: string) => find(file) ?? resolve(folders[0] ?? cwd, file);
	const draft = createDraft(values, { file: names.at(-1) ?? spec, base: cwd, find, place });
	const found = contents.flat();
	// All that is typed is checked, also what has no effect yet: it will have one.
	for (const { group, name } of found) if (table.find(`${group}.${name}`)) values.said(`${group}.${name}`);
	for (const { group, name } of found) giveAlone(`${group}.${name}`, draft, table.find(`${group}.${name}`)?.give);
	for (const translate of TRANSLATORS) translate(draft);
	return {
		settings: draft.given,
		stores: draft.stores,
		multi: draft.multi(),
		explain: (effective) => findOptions(found, { table, values, given: draft.given, stores: draft.stores, effective }),
	};
}

function giveAlone(ref: string, { said, give }: Draft, rule: GlanceOption['give']): void {
	const found = rule === undefined ? undefined : said(ref);
	if (rule === undefined || found === undefined) return;
	const { to, as = textsOf } = rule;
	try {
		const text = as(found.value);
		if (text.length > 0) give(to, text, ref);
	} catch (error) {
		throw new ConfigError(`${found.place}: ${(error as Error).message}`, { cause: error });
	}
}

/** Groups that the files name themselves. */
function namedGroups({ value }: GlanceValues): NamedGroups {
	const backends = value('DEFAULT.enabled_backends');
	const stores: Map<string, StoreFacts> = new Map(RESERVED.map((name) => [name, { type: 'file', role: 'reserved' }]));
	for (const [name, type] of backends instanceof Map ? (backends as ReadonlyMap<string, string>) : [])
		stores.set(normalGroup(name), { type, role: 'own' });
	const sections = ['keystone_authtoken', 'oslo_limit'].map((group) => textOf(value(`${group}.auth_section`)));
	return { stores, credentials: sections.filter((section) => section !== undefined).map(normalGroup) };
}

/** Stores that Glance adds by itself. */
const RESERVED = ['os_glance_staging_store', 'os_glance_tasks_store'];

function finder(folders: readonly string[]): Translation['find'] {
	return (file) => {
		const candidates = isAbsolute(file) ? [file] : folders.map((folder) => join(folder, file));
		return candidates.find((path) => existsSync(path));
	};
}
