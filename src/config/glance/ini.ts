/**
 * The dialect of oslo.config's files, line by line as oslo's own parser takes it: `=` or `:` whichever comes first, a
 * comment only at the start of a line, a value continued by indented lines and ended by an empty one, one pair of quotes
 * around a value taken off. Nothing is known here of options. Why it is ours: docs/decisions/0010-glance-configuration.md
 */
import { ConfigError } from '../config.ts';

/** One assignment, as written: not yet substituted, not yet typed. */
export interface Assignment {
	readonly file: string;
	/** of the key */
	readonly line: number;
	/** as oslo compares it: `DEFAULT` or lower case */
	readonly group: string;
	readonly name: string;
	readonly text: string;
}

/** `file` is what complaints call it. They never repeat a line: it may hold a password. */
export function parseIni(text: string, file: string): readonly Assignment[] {
	const assignments: Assignment[] = [];
	let group: string | undefined;
	let open: { readonly line: number; readonly name: string; readonly texts: string[] } | undefined;

	const close = () => {
		if (open === undefined) return;
		const { line, name, texts } = open;
		open = undefined;
		if (group === undefined) refuse(file, line, 'a [group] must come before the first option');
		else assignments.push({ file, line, group, name, text: texts.join('\n') });
	};
	for (const [index, whole] of text.split(/\r\n|\r|\n/).entries()) {
		const number = index + 1;
		const line = whole.trimEnd();
		if (line.includes('\0')) refuse(file, number, 'a NUL character');
		if (/^[ \t]/.test(line)) {
			if (open === undefined) refuse(file, number, 'an indented line continues no option');
			else open.texts.push(line.trimStart());
			continue;
		}
		close();
		if (line === '' || /^[#;]/.test(line)) continue;
		if (line.startsWith('[')) group = groupOf(line, file, number);
		else open = openingOf(line, file, number);
	}
	close();
	return assignments;
}

function groupOf(line: string, file: string, number: number): string {
	if (!line.endsWith(']') || line.length <= 2) refuse(file, number, 'a group is a name in brackets');
	return normalGroup(line.slice(1, -1));
}

export function normalGroup(name: string): string {
	return name === 'DEFAULT' ? name : name.toLowerCase();
}

function openingOf(line: string, file: string, number: number) {
	const [, key = '', rest = ''] =
		/^([^=:]*)[=:](.*)$/s.exec(line) ?? refuse(file, number, 'neither a group, an option nor a comment');
	const name = key.trim();
	if (name === '') refuse(file, number, 'an option needs a name');
	return { line: number, name, texts: [unquoted(rest.trim())] };
}

function unquoted(text: string): string {
	const [first = ''] = text;
	return (first === '"' || first === "'") && text.endsWith(first) ? text.slice(1, -1) : text;
}

function refuse(file: string, line: number, message: string): never {
	throw new ConfigError(`${file}:${line}: ${message}`);
}
