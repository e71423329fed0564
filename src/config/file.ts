/** Settings from a YAML or JSON file. Every complaint names file, line and column. */
import { basename, dirname, resolve } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { ConfigError } from './config.ts';
import { didYouMean } from './nearest.ts';
import type { RawValue } from './settings/setting.ts';
import { type RawSettings, SETTING_NAMES, SETTINGS, type SettingName } from './settings.ts';
import { readTextFile } from './text-file.ts';

/** What may stand where: a setting, or a map of further names. */
type Shape = SettingName | Map<string, Shape>;

export function readSettingsFile(path: string): RawSettings {
	return parseSettings(readTextFile(path), { name: basename(path), base: dirname(resolve(path)) });
}

/** `name` is what complaints call the file; `base` is where its relative paths begin. */
export function parseSettings(text: string, file: { readonly name: string; readonly base: string }): RawSettings {
	const lines = new LineCounter();
	const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2', schema: 'core' });
	const at = (offset: number) => {
		const { line, col } = lines.linePos(offset);
		return `${file.name}:${line}:${col}`;
	};
	const refuse = (node: unknown, message: string): never => {
		throw new ConfigError(`${at((node as Node | null)?.range?.[0] ?? 0)}: ${message}`);
	};
	const [problem] = [...document.errors, ...document.warnings];
	if (problem !== undefined) throw new ConfigError(`${at(problem.pos[0])}: ${problem.message}`);

	const found = new Map<SettingName, RawValue>();
	const visitMap = (map: YAMLMap, shape: Map<string, Shape>) => {
		for (const pair of map.items) visitPair(pair, shape);
	};
	const visitPair = ({ key, value }: Pair, shape: Map<string, Shape>) => {
		const name = isScalar(key) ? String(key.value) : refuse(key, 'a key is a word');
		const inner = shape.get(name) ?? refuse(key, `unknown key "${name}"${didYouMean(name, [...shape.keys()])}`);
		if (typeof inner === 'string')
			found.set(inner, { texts: textsOf(value, key), from: at((value as Node).range?.[0] ?? 0), base: file.base });
		else if (isMap(value)) visitMap(value, inner);
		else refuse(value ?? key, `"${name}" holds further keys: ${[...inner.keys()].join(', ')}`);
	};
	const textsOf = (value: unknown, key: unknown): readonly string[] => {
		if (isSeq(value)) return value.items.map((item) => textOf(item, item));
		return [textOf(value, key)];
	};
	const textOf = (value: unknown, key: unknown): string => {
		if (isScalar(value) && value.value !== null) return String(value.value);
		return refuse(value ?? key, 'a value is needed here: text, a number, or a list of them');
	};

	if (isMap(document.contents)) visitMap(document.contents, shapeOf(SETTING_NAMES));
	else if (document.contents !== null && !(isScalar(document.contents) && document.contents.value === null))
		refuse(document.contents, 'the file must be a map of settings');
	return found;
}

function shapeOf(names: readonly SettingName[]): Map<string, Shape> {
	const root = new Map<string, Shape>();
	for (const name of names) {
		const parts = SETTINGS[name].key.split('.');
		const last = parts.pop() ?? '';
		let level = root;
		for (const part of parts) {
			const next = level.get(part);
			const inner = next instanceof Map ? next : new Map<string, Shape>();
			level.set(part, inner);
			level = inner;
		}
		level.set(last, name);
	}
	return root;
}
