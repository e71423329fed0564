/** What a command has said, as values: JSON of openstack, tables of glance, and of complaints the HTTP status alone. */
import type { Values } from '../differential/values.ts';
import { withoutParticulars } from '../differential/values.ts';
import type { Outcome } from './driver.ts';

export interface Reading {
	readonly code: number;
	readonly out: unknown;
	readonly statuses: readonly string[];
	readonly files: Files;
}

/** digests by name */
export type Files = Readonly<Record<string, string>>;

export function read({ code, out, err }: Outcome, written: Files, values: Values): Reading {
	return {
		code,
		out: valuesIn(withoutParticulars(unwrapped(out), values)),
		statuses: [...err.matchAll(HTTP_STATUS)].map(([, status = '']) => status),
		// What a command leaves behind when it fails is the text of the error.
		files: code === 0 ? written : Object.fromEntries(Object.keys(written).map((name) => [name, 'of a failure'])),
	};
}

/** As glance says it, and as the SDK's exceptions do. */
const HTTP_STATUS = /\b(?:HTTP |Exception: |NotFound: )([45]\d\d)\b/g;

/** Rows that glance broke, as it breaks those of more than 80 characters. */
function unwrapped(text: string): string {
	return text.replaceAll(/ *\|\n\| +\| /g, '');
}

function valuesIn(text: string): unknown {
	const trimmed = text.trim();
	if (/^[[{]/.test(trimmed)) return sortedTexts(JSON.parse(trimmed));
	return trimmed.startsWith('+-') ? rowsOf(trimmed) : trimmed;
}

/** Tags and the like are sets. */
function sortedTexts(value: unknown): unknown {
	if (Array.isArray(value)) return value.every((item) => typeof item === 'string') ? [...value].sort() : value.map(sortedTexts);
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sortedTexts(item)]));
}

/** A table of properties becomes an object, any other a list of objects. Cells that hold JSON, or a list of Python's, are read too. */
function rowsOf(text: string): unknown {
	const lines = text.split('\n').filter((line) => line.startsWith('|'));
	const [head = [], ...rows] = lines.map((line) =>
		line
			.slice(1, -1)
			.split(' | ')
			.map((cell) => cell.trim()),
	);
	if (head.join() === 'Property,Value') return Object.fromEntries(rows.map(([key, value = '']) => [key, cell(value)]));
	// Descriptions are in each server's own words.
	if (head[0] === 'Attribute') return Object.fromEntries(rows.map(([name]) => [name, 'known']));
	return rows.map((row) => Object.fromEntries(head.map((name, n) => [name, cell(row[n] ?? '')])));
}

function cell(text: string): unknown {
	if (/^\['.*'\]$/.test(text)) return text.slice(2, -2).split("', '").sort();
	if (!/^[[{]/.test(text)) return text;
	try {
		// Where glance broke a row, nobody can tell whether a space stood.
		return sortedTexts(JSON.parse(text.replaceAll(' ', '')));
	} catch {
		return text;
	}
}
