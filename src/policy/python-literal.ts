/**
 * Python's `ast.literal_eval`, as far as the left side of a check can reach (it holds no colon). Three outcomes: the
 * text of a literal's value; undefined for an expression that is not a literal (oslo.policy then takes the text as the
 * path of a credential); an error for what is no expression at all, where oslo.policy raises.
 *
 * Complex numbers, sets, `\N{…}`, comprehensions and starred arguments are refused as errors: nobody compares with them.
 */
import { floatText, PythonError, repr } from './python-text.ts';
import { type StringToken, type Token, tokenise } from './python-tokens.ts';

/** A literal's `str()` and `repr()`; the sign of a number can be changed once. */
interface Literal {
	readonly str: string;
	readonly repr: string;
	readonly negative?: string;
}

/** An expression whose value is none of ours. */
type Node = Literal | undefined;

const CONSTANTS = new Set(['None', 'True', 'False']);
const KEYWORDS = new Set(
	'and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
		' ',
	),
);
const COMPARISONS = new Set(['<', '>', '==', '!=', '<=', '>=', 'in', 'is']);
const OPERATORS = new Set(['+', '-', '*', '/', '//', '%', '@', '&', '|', '^', '<<', '>>', '**']);

export function literalText(source: string): string | undefined {
	// Python refuses to read these two by a ValueError, which counts as "not a literal"
	if (source.includes('\0') || !source.isWellFormed()) return undefined;
	const parser = createParser(tokenise(source.replace(/^[ \t]+/, '')));
	return parser.whole()?.str;
}

interface Parser {
	whole(): Node;
}

function createParser(tokens: readonly Token[]): Parser {
	let at = 0;
	const peek = (): string | undefined =>
		tokens[at]?.kind === 'operator' || tokens[at]?.kind === 'name' ? tokens[at]?.text : undefined;
	const takes = (text: string): boolean => peek() === text && ++at > 0;
	const must = (text: string): void => {
		if (!takes(text)) throw new PythonError(`invalid syntax, ${text} expected`);
	};

	/** Expressions up to a closing token; a comma makes them several. */
	function several(close: string | undefined): { readonly nodes: readonly Node[]; readonly comma: boolean } {
		const nodes: Node[] = [];
		let comma = false;
		const ends = () => (close === undefined ? at >= tokens.length : peek() === close);
		while (!ends()) {
			nodes.push(expression());
			if (!takes(',')) break;
			comma = true;
		}
		return { nodes, comma };
	}
	function expression(): Node {
		const first = disjunction();
		if (!takes('if')) return first;
		disjunction();
		must('else');
		expression();
		return undefined;
	}
	function disjunction(): Node {
		const first = inversion();
		if (peek() !== 'and' && peek() !== 'or') return first;
		while (takes('and') || takes('or')) inversion();
		return undefined;
	}
	function inversion(): Node {
		if (!takes('not')) return comparison();
		while (takes('not'));
		comparison();
		return undefined;
	}
	function comparison(): Node {
		const first = sum();
		let compared = false;
		while (takesComparison()) {
			sum();
			compared = true;
		}
		return compared ? undefined : first;
	}
	function takesComparison(): boolean {
		const operator = peek();
		if (operator === 'not' && tokens[at + 1]?.text === 'in') return takes('not') && takes('in');
		if (operator === undefined || !COMPARISONS.has(operator)) return false;
		at++;
		if (operator === 'is') takes('not');
		return true;
	}
	function sum(): Node {
		let node = factor();
		while (OPERATORS.has(peek() ?? '')) {
			at++;
			factor();
			node = undefined;
		}
		return node;
	}
	function factor(): Node {
		const signs: string[] = [];
		for (let sign = peek(); sign === '+' || sign === '-' || sign === '~'; sign = peek()) {
			signs.push(sign);
			at++;
		}
		const node = postfix();
		if (signs.length === 0) return node;
		return signs.length === 1 && signs[0] !== '~' ? signed(node, signs[0] === '-') : undefined;
	}
	function postfix(): Node {
		let node = atom();
		for (;;) {
			if (takes('.')) name();
			else if (takes('(')) {
				several(')');
				must(')');
			} else if (takes('[')) {
				if (several(']').nodes.length === 0) throw new PythonError('invalid syntax, an index expected');
				must(']');
			} else return node;
			node = undefined;
		}
	}
	function name(): void {
		const token = tokens[at++];
		const named = token?.kind === 'name' && !KEYWORDS.has(token.text) && !CONSTANTS.has(token.text);
		if (!named) throw new PythonError('invalid syntax, a name expected');
	}
	function atom(): Node {
		const token = tokens[at++];
		if (token === undefined) throw new PythonError('invalid syntax, the text ends early');
		if (token.kind === 'number') return number(token.value);
		if (token.kind === 'string') return strings(token);
		if (token.kind === 'name') return constant(token.text);
		if (token.text === '...') return { str: 'Ellipsis', repr: 'Ellipsis' };
		if (token.text === '(') return bracketed(')', '(', ')');
		if (token.text === '[') return bracketed(']', '[', ']');
		if (token.text === '{') return bracketed('}', '{', '}');
		throw new PythonError(`invalid syntax at ${token.text}`);
	}
	function bracketed(close: string, before: string, after: string): Node {
		const { nodes, comma } = several(close);
		must(close);
		if (close === ')' && nodes.length === 1 && !comma) return nodes[0];
		const literals = nodes.filter((node) => node !== undefined);
		if (literals.length < nodes.length) return undefined;
		if (close === '}' && nodes.length > 0) throw new PythonError('sets are not supported');
		return sequence(literals, before, close === ')' && nodes.length === 1 ? `,${after}` : after);
	}
	/** Literals that touch are one. */
	function strings(first: StringToken): Node {
		const pieces = [first];
		for (let next = tokens[at]; next?.kind === 'string'; next = tokens[++at]) pieces.push(next);
		if (pieces.some((piece) => piece.bytes !== first.bytes)) throw new PythonError('cannot mix bytes and nonbytes literals');
		if (pieces.some((piece) => piece.computed)) return undefined;
		const text = pieces.map((piece) => piece.text).join('');
		return first.bytes ? bytesLiteral(text) : { str: text, repr: repr(text) };
	}
	return {
		whole() {
			const { nodes, comma } = several(undefined);
			if (nodes.length === 0 || at < tokens.length) throw new PythonError('invalid syntax');
			if (!comma) return nodes[0];
			const literals = nodes.filter((node) => node !== undefined);
			return literals.length < nodes.length ? undefined : sequence(literals, '(', nodes.length === 1 ? ',)' : ')');
		},
	};
}

function sequence(nodes: readonly Literal[], before: string, after: string): Literal {
	const text = `${before}${nodes.map((node) => node.repr).join(', ')}${after}`;
	return { str: text, repr: text };
}

function signed(node: Node, negates: boolean): Node {
	if (node?.negative === undefined) return undefined;
	const text = negates ? node.negative : node.str;
	return { str: text, repr: text };
}

function number(value: number | bigint): Literal {
	const text = (of: number | bigint) => (typeof of === 'bigint' ? String(of) : floatText(of));
	return { str: text(value), repr: text(value), negative: text(-value) };
}

function constant(name: string): Node {
	if (KEYWORDS.has(name)) throw new PythonError(`invalid syntax at ${name}`);
	return CONSTANTS.has(name) ? { str: name, repr: name } : undefined;
}

/** The text holds one character per byte. */
function bytesLiteral(text: string): Literal {
	const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
	const inner = text.replace(/[^ -~]|[\\'"]/g, (char) => {
		if (char === "'" || char === '"') return char === quote ? `\\${char}` : char;
		if (char === '\\') return '\\\\';
		return SHORT_ESCAPES[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
	});
	const shown = `b${quote}${inner}${quote}`;
	return { str: shown, repr: shown };
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
