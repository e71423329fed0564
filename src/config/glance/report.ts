/** For an operator: every option of the files, and what becomes of it here. */

import type { RawValue } from '#config/settings/setting.ts';
import { nearest } from '../nearest.ts';
import { type RawSettings, SETTINGS, type SettingName } from '../settings.ts';
import { shownOption } from '../store-secrets.ts';
import type { RawStores } from '../stores.ts';
import type { Assignment } from './ini.ts';
import type { Fate, GlanceOption } from './option.ts';
import type { OptionTable } from './table.ts';
import type { Given, GivenStores } from './translation.ts';
import type { GlanceValues } from './values.ts';

export interface FoundOption {
	readonly file: string;
	readonly line: number;
	readonly group: string;
	readonly option: string;
	readonly fate: Fate | 'unknown';
	/** settings that it decides, by their keys, secrets hidden; else a sentence that says why there are none */
	readonly became: string;
}

/** What all sources say together. */
export interface Effective {
	readonly settings: RawSettings;
	readonly stores: RawStores;
}

interface Facts {
	readonly table: OptionTable;
	readonly values: GlanceValues;
	readonly given: ReadonlyMap<SettingName, Given>;
	readonly stores: GivenStores;
	readonly effective: Effective;
}

export function findOptions(assignments: readonly Assignment[], facts: Facts): readonly FoundOption[] {
	const became = settingsByCause(facts);
	return assignments.map((assignment) => {
		const { file, line, group, name } = assignment;
		return { file, line, group, option: name, ...fateOf(assignment, facts, became.get(assignment) ?? []) };
	});
}

/** Warnings: a line for each option that Glance does not know either, and one for all that Sundog lacks. */
export function withoutEffect(options: readonly FoundOption[]): readonly string[] {
	const unknown = options.filter(({ fate }) => fate === 'unknown');
	const lacking = options.filter(({ fate }) => fate === 'later').map(({ option }) => option);
	return [
		...unknown.map(({ file, line, group, option, became }) => `${file}:${line}: [${group}] ${option} has no effect: ${became}`),
		...(lacking.length === 0 ? [] : [`these options of Glance have no effect yet: ${[...new Set(lacking)].join(', ')}`]),
	];
}

function fateOf(
	assignment: Assignment,
	{ table, values }: Facts,
	settings: readonly string[],
): Pick<FoundOption, 'fate' | 'became'> {
	const ref = `${assignment.group}.${assignment.name}`;
	const option = table.find(ref);
	if (option === undefined)
		return table.wholeGroup(assignment.group) === undefined ? unknown(assignment, table) : wholeGroup(assignment, table);
	const counts = values.said(ref)?.assignments ?? [];
	if (!counts.includes(assignment)) return { fate: option.fate, became: replacedBy(counts.at(-1)) };
	return { fate: option.fate, became: sentence(option, settings) };
}

function wholeGroup({ group }: Assignment, table: OptionTable): Pick<FoundOption, 'fate' | 'became'> {
	const { fate, says } = table.wholeGroup(group) ?? { fate: 'later', says: '' };
	return { fate, became: says };
}

function sentence({ fate, says }: GlanceOption, settings: readonly string[]): string {
	if (settings.length > 0) return says === '' ? settings.join(', ') : `${settings.join(', ')} (${says})`;
	return says === '' && (fate === 'honoured' || fate === 'translated') ? 'read with the options beside it' : says;
}

function replacedBy(other: Assignment | undefined): string {
	return other === undefined ? 'empty: as if it were not there' : `replaced by ${other.file}:${other.line}`;
}

function unknown({ group, name }: Assignment, table: OptionTable): Pick<FoundOption, 'fate' | 'became'> {
	const names = table.names(group);
	const near = names.length === 0 ? nearest(group, table.groups) : nearest(name, names);
	const guess = near === undefined ? '' : `; did you mean ${names.length === 0 ? `[${near}]` : near}?`;
	return { fate: 'unknown', became: `${names.length === 0 ? 'no group' : 'no option'} of Glance${guess}` };
}

function settingsByCause({ given, stores, effective }: Facts): ReadonlyMap<Assignment, readonly string[]> {
	const byCause = new Map<Assignment, string[]>();
	const note = (key: string, shown: string, said: Given, stronger: RawValue | undefined) => {
		const overruled = stronger === undefined || stronger === said ? '' : ` overruled by ${stronger.from}`;
		for (const cause of said.causes) byCause.set(cause, [...(byCause.get(cause) ?? []), `${key} = ${shown}${overruled}`]);
	};
	for (const [setting, said] of given) {
		const { key, secret } = SETTINGS[setting];
		note(key, secret ? '(set)' : said.texts.join(', '), said, effective.settings.get(setting));
	}
	for (const [id, options] of stores)
		for (const [name, said] of options) {
			const shown = said.texts.map((text) => shownOption(name, text)).join(', ');
			note(`stores.${id}.${name}`, shown, said, effective.stores.get(id)?.get(name));
		}
	return byCause;
}
