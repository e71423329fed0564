/** One of the operator's files: a YAML or JSON mapping of rule names to rules, read as oslo.policy's YAML reader does. */
import { isMap, isScalar, LineCounter, type Pair, parseDocument } from 'yaml';
import type { RuleSource } from './rule.ts';

export interface RuleEntry {
	readonly name: string;
	readonly source: RuleSource;
	/** counted from 1 */
	readonly line: number;
}

/** Why a file cannot be read at all: where, and what. */
export class RuleFileError extends Error {
	override readonly name = 'RuleFileError';
}

/** Aliases make a small file large. */
const MAX_ALIASES = 100;

/** In order; of a name that comes twice the last one counts. */
export function parseRuleFile(text: string, path: string): readonly RuleEntry[] {
	const lineCounter = new LineCounter();
	// YAML 1.1, in which Python reads; names may come twice, as there
	const document = parseDocument(text, { version: '1.1', uniqueKeys: false, lineCounter, stringKeys: false });
	const [error] = document.errors;
	if (error !== undefined) {
		const place = error.linePos === undefined ? '' : `:${error.linePos[0].line}`;
		throw new RuleFileError(`${path}${place}: ${error.message.split('\n', 1)[0]?.replace(/ at line .*$/, '')}`);
	}
	if (document.contents === null || (isScalar(document.contents) && !document.contents.value)) return [];
	if (!isMap(document.contents)) throw new RuleFileError(`${path}: a mapping of rule names to rules expected`);
	return document.contents.items.map((pair) => {
		const line = lineOf(pair, lineCounter);
		try {
			return { name: nameOf(pair), source: sourceOf(pair, document), line };
		} catch (cause) {
			throw new RuleFileError(`${path}:${line}: ${(cause as Error).message}`, { cause });
		}
	});
}

function lineOf({ key }: Pair, lines: LineCounter): number {
	const range = isScalar(key) ? key.range : undefined;
	return range ? lines.linePos(range[0]).line : 1;
}

function nameOf({ key }: Pair): string {
	if (isScalar(key) && (typeof key.value === 'string' || typeof key.value === 'number')) return String(key.value);
	throw new TypeError('the name of a rule is a text');
}

function sourceOf({ key, value }: Pair, document: { toJS(options?: object): unknown }): RuleSource {
	const name = String(key);
	// an unquoted ! is an empty text with a tag, and an empty text is everybody
	if (isScalar(value) && value.tag === '!' && value.source === '')
		throw new TypeError(`rule ${name} is a bare !: put it in quotes`);
	const plain: unknown = hasToJs(value) ? value.toJS(document, { maxAliasCount: MAX_ALIASES }) : value;
	if (typeof plain === 'string') return plain;
	// whatever is empty is everybody, in oslo.policy too
	if (plain === null || plain === undefined) return '';
	if (Array.isArray(plain) && plain.every((inner) => inner === null || typeof inner === 'string' || Array.isArray(inner)))
		return plain.map((inner: unknown) => (typeof inner === 'string' || Array.isArray(inner) ? inner : ''));
	throw new TypeError(`rule ${name} is neither a text nor a list of lists`);
}

interface HasToJs {
	toJS(document: object, options: object): unknown;
}

function hasToJs(value: unknown): value is HasToJs {
	return typeof value === 'object' && value !== null && 'toJS' in value;
}
