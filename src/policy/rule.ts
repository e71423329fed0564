/**
 * Rules as values. The grammar is the one of oslo.policy: `or` binds weakest, then `and`, then `not`; an atom is
 * `@`, `!`, a rule in parentheses, or `kind:match`. Words are split on white space, parentheses may touch them.
 * https://docs.openstack.org/oslo.policy/latest/admin/policy-yaml-file.html
 */
export type Rule =
	| { readonly kind: 'always'; readonly allows: boolean }
	| { readonly kind: 'role'; readonly name: Template }
	| { readonly kind: 'rule'; readonly name: string }
	| { readonly kind: 'compare'; readonly left: Operand; readonly right: Template }
	| { readonly kind: 'not'; readonly of: Rule }
	| { readonly kind: 'all' | 'any'; readonly of: readonly Rule[] };

/** A literal (`None` is null), or the dotted path of a credential. */
export type Operand = { readonly literal: string | null } | { readonly credential: string };

/** Text with `%(key)s` holes that are filled from the target. */
export type Template = readonly (string | { readonly key: string })[];

export class RuleSyntaxError extends Error {
	override readonly name = 'RuleSyntaxError';
}

export function parseRule(text: string): Rule {
	if (text.trim() === '') return { kind: 'always', allows: true };
	const tokens = tokenise(text);
	const rule = parseAny(tokens);
	if (tokens.length > 0) throw new RuleSyntaxError(`unexpected ${tokens[0]} in rule: ${text}`);
	return rule;
}

function tokenise(text: string): string[] {
	return text
		.trim()
		.split(/\s+/)
		.flatMap((word) => {
			// a closing parenthesis that ends a hole, as in %(owner)s, is never the last character of a word
			const [, open = '', inner = '', close = ''] = /^(\(*)(.*?)(\)*)$/.exec(word) ?? [];
			return [...open, ...(inner === '' ? [] : [inner]), ...close];
		});
}

function parseAny(tokens: string[]): Rule {
	const of = [parseAll(tokens)];
	while (takeWord(tokens, 'or')) of.push(parseAll(tokens));
	return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'any', of };
}

function parseAll(tokens: string[]): Rule {
	const of = [parseNot(tokens)];
	while (takeWord(tokens, 'and')) of.push(parseNot(tokens));
	return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'all', of };
}

function parseNot(tokens: string[]): Rule {
	return takeWord(tokens, 'not') ? { kind: 'not', of: parseNot(tokens) } : parseAtom(tokens);
}

function parseAtom(tokens: string[]): Rule {
	const token = tokens.shift();
	if (token === undefined) throw new RuleSyntaxError('a rule ends where a check is expected');
	if (token === '(') {
		const rule = parseAny(tokens);
		if (tokens.shift() !== ')') throw new RuleSyntaxError('a parenthesis is not closed');
		return rule;
	}
	return parseCheck(token);
}

function parseCheck(token: string): Rule {
	if (token === '@') return { kind: 'always', allows: true };
	if (token === '!') return { kind: 'always', allows: false };
	const colon = token.indexOf(':');
	if (colon <= 0) throw new RuleSyntaxError(`${token} is not a check`);
	const kind = token.slice(0, colon);
	const match = token.slice(colon + 1);
	if (kind === 'role') return { kind: 'role', name: parseTemplate(match) };
	if (kind === 'rule') return { kind: 'rule', name: match };
	if (kind === 'http' || kind === 'https') throw new RuleSyntaxError(`${kind} checks are not supported`);
	return { kind: 'compare', left: parseOperand(kind), right: parseTemplate(unquote(match)) };
}

function parseOperand(text: string): Operand {
	if (text === 'None') return { literal: null };
	if (text === 'True' || text === 'False' || /^-?\d+$/.test(text)) return { literal: text };
	const bare = unquote(text);
	return bare === text ? { credential: text } : { literal: bare };
}

function parseTemplate(text: string): Template {
	const parts: (string | { readonly key: string })[] = [];
	let end = 0;
	for (const hole of text.matchAll(/%\((?<key>[^)]+)\)s/g)) {
		if (hole.index > end) parts.push(text.slice(end, hole.index));
		parts.push({ key: hole.groups?.key ?? '' });
		end = hole.index + hole[0].length;
	}
	if (end < text.length) parts.push(text.slice(end));
	return parts;
}

function unquote(text: string): string {
	return /^'.*'$|^".*"$/.test(text) ? text.slice(1, -1) : text;
}

function takeWord(tokens: string[], word: string): boolean {
	if (tokens[0]?.toLowerCase() !== word) return false;
	tokens.shift();
	return true;
}
