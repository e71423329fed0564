/**
 * Glance's `swift_store_config_file`: an INI file of accounts, `[ref1] user = …, key = …, auth_address = …`. Read as Python's
 * configparser reads it: names in any case, `=` or `:`, values quoted or not, `%%` for a percent sign, `[DEFAULT]` for all.
 */
import { OptionError } from '#store/options.ts';

export type Section = Readonly<Record<string, string>>;

/** Sections by name. Throws `OptionError` with the line's number; values, which may be secrets, are never quoted. */
export function parseReferenceFile(content: string): ReadonlyMap<string, Section> {
	const sections = new Map<string, Record<string, string>>();
	const defaults: Record<string, string> = {};
	let current: Record<string, string> | undefined;
	for (const [index, line] of content.split(/\r?\n/).entries()) {
		if (/^\s*([#;]|$)/.test(line)) continue;
		const name = /^\[([^\]]+)\]\s*$/.exec(line)?.[1];
		if (name === undefined) {
			addOption(current, line, index + 1);
		} else {
			if (sections.has(name)) throw wrongLine(index + 1, 'the section is there twice');
			current = name === 'DEFAULT' ? defaults : {};
			if (name !== 'DEFAULT') sections.set(name, current);
		}
	}
	return new Map([...sections].map(([name, own]) => [name, { ...defaults, ...own }]));
}

function addOption(section: Record<string, string> | undefined, line: string, number: number): void {
	const [, name, value] = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
	if (name === undefined || value === undefined) throw wrongLine(number, 'it is neither "name = value" nor "[section]"');
	if (section === undefined) throw wrongLine(number, 'an option comes before the first section');
	const key = name.toLowerCase();
	if (Object.hasOwn(section, key)) throw wrongLine(number, `${key} is given twice`);
	section[key] = unquoted(percentRead(value, number), number);
}

function percentRead(value: string, line: number): string {
	return value.replace(/%(.?)/g, (_, next: string) => {
		if (next !== '%') throw wrongLine(line, 'a percent sign is written "%%"');
		return '%';
	});
}

function unquoted(value: string, line: number): string {
	const quote = value[0];
	if (quote !== '"' && quote !== "'") return value;
	if (value.length === 1 || value.at(-1) !== quote) throw wrongLine(line, 'a quote is not closed');
	return value.slice(1, -1);
}

function wrongLine(line: number, why: string): OptionError {
	return new OptionError(`option swift_store_config_file: line ${line}: ${why}`);
}
