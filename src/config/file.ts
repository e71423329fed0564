/** Settings from a YAML or JSON file. Every complaint names file, line and column. */
import { basename, dirname, resolve } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type Scalar, type YAMLMap } from 'yaml';
import { ConfigError } from './config.ts';
import { didYouMean } from './nearest.ts';
import type { RawValue } from './settings/setting.ts';
import { type RawSettings, SETTING_NAMES, SETTINGS, type SettingName } from './settings.ts';
import type { RawStores } from './stores.ts';
import { readTextFile } from './text-file.ts';

/** What may stand where: a setting, or a map of further names. */
type Shape = SettingName | Map<string, Shape>;

/** What one file says. */
export interface FileContents {
	readonly settings: RawSettings;
	readonly stores: RawStores;
}

export function readSettingsFile(path: string): FileContents {
	return parseSettings(readTextFile(path), { name: basename(path), base: dirname(resolve(path)) });
}

/** `name` is what complaints call the file; `base` is where its relative paths begin. */
export function parseSettings(text: string, file: { readonly name: string; readonly base: string }): FileContents {
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
	const stores = new Map<string, ReadonlyMap<string, RawValue>>();
	const visitMap = (map: YAMLMap, shape: Map<string, Shape>) => {
		for (const pair of map.items) visitPair(pair, shape);
	};
	const visitPair = ({ key, value }: Pair, shape: Map<string, Shape>) => {
		const name = wordIn(key);
		if (name === 'stores' && shape === root) return visitStores(value ?? key);
		const inner = shape.get(name) ?? refuse(key, `unknown key "${name}"${didYouMean(name, [...shape.keys()])}`);
		if (typeof inner === 'string')
			found.set(inner, { texts: textsOf(value, key), from: at((value as Node).range?.[0] ?? 0), base: file.base });
		else if (isMap(value)) visitMap(value, inner);
		else refuse(value ?? key, `"${name}" holds further keys: ${[...inner.keys()].join(', ')}`);
	};
	const visitStores = (node: unknown) => {
		const items = isMap(node) ? node.items : refuse(node, '"stores" holds stores by their ids, each with a type and its options');
		for (const { key, value } of items) {
			const id = wordIn(key);
			const options = isMap(value) ? value.items : refuse(value ?? key, `store "${id}" holds a type and its options`);
			stores.set(id, new Map(options.flatMap((option) => visitOption(id, option))));
			if (options.length === 0) refuse(key, `store "${id}" has no type, such as file, rbd or s3`);
		}
	};
	/** `dir` of the file store is a setting with a flag and a variable of its own. */
	const visitOption = (id: string, { key, value }: Pair): [string, RawValue][] => {
		const name = wordIn(key);
		const said = { texts: textsOf(value, key, asWritten), from: at((key as Node).range?.[0] ?? 0), base: file.base };
		if (id !== 'file' || name !== 'dir') return [[name, said]];
		found.set('storeFileDir', { ...said, from: at((value as Node).range?.[0] ?? 0) });
		return [];
	};
	const wordIn = (key: unknown): string => (isScalar(key) ? String(key.value) : refuse(key, 'a key is a word'));
	const textsOf = (value: unknown, key: unknown, read = asRead): readonly string[] => {
		if (isSeq(value)) return value.items.map((item) => textOf(item, item, read));
		return [textOf(value, key, read)];
	};
	const textOf = (value: unknown, key: unknown, read: typeof asRead): string => {
		if (isScalar(value) && value.value !== null) return read(value);
		return refuse(value ?? key, 'a value is needed here: text, a number, or a list of them');
	};

	const root = shapeOf(SETTING_NAMES);
	if (isMap(document.contents)) visitMap(document.contents, root);
	else if (document.contents !== null && !(isScalar(document.contents) && document.contents.value === null))
		refuse(document.contents, 'the file must be a map of settings');
	return { settings: found, stores: withoutEmpty(stores) };
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

const asRead = ({ value }: Scalar): string => String(value);
/** A key of digits that begins with a zero is still a key. */
const asWritten = ({ source, value }: Scalar): string => source ?? String(value);

/** Of a store of which only that setting is said there is nothing more. */
function withoutEmpty(stores: RawStores): RawStores {
	return new Map([...stores].filter(([, options]) => options.size > 0));
}
