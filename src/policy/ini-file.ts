/** INI text as Python's configparser reads it, as far as rules of properties go: no interpolation, strict about what comes twice. */

/** Options by lower-case name, sections in order. */
export type IniSections = ReadonlyMap<string, ReadonlyMap<string, string>>;

export class IniError extends Error {
	override readonly name = 'IniError';
}

/** Its options hold for every section that does not have them. */
const DEFAULTS = 'DEFAULT';

export function parseIni(text: string): IniSections {
	const sections = new Map<string, Map<string, string>>();
	let section: Map<string, string> | undefined;
	let option: string | undefined;
	let indent = 0;
	for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
		const fail = (what: string) => new IniError(`line ${index + 1}: ${what}`);
		const content = line.trim();
		if (content === '' || content.startsWith('#') || content.startsWith(';')) continue;
		const depth = line.length - line.trimStart().length;
		if (section !== undefined && option !== undefined && depth > indent) {
			section.set(option, `${section.get(option)}\n${content}`);
			continue;
		}
		indent = depth;
		const header = /^\[(?<header>.+)\]/.exec(content)?.groups?.header;
		if (header !== undefined) {
			if (sections.has(header) && header !== DEFAULTS) throw fail(`section ${header} comes twice`);
			section = sections.get(header) ?? new Map();
			sections.set(header, section);
			option = undefined;
			continue;
		}
		if (section === undefined) throw fail('an option before the first section');
		const pair = /^(?<name>.*?)\s*[=:]\s*(?<value>.*)$/.exec(content)?.groups;
		if (pair?.name === undefined || pair.name === '' || pair.value === undefined) throw fail('neither a section nor an option');
		option = pair.name.toLowerCase();
		if (section.has(option)) throw fail(`option ${option} comes twice in its section`);
		section.set(option, pair.value);
	}
	const defaults = sections.get(DEFAULTS) ?? new Map();
	sections.delete(DEFAULTS);
	return new Map([...sections].map(([name, options]) => [name, new Map([...defaults, ...options])]));
}
