/**
 * Access rules of application credentials: what of a service their token may be used for. Keystone hands them out only
 * to services that say they enforce them. Identity API v3, "Application Credentials".
 */
export interface AccessRule {
	readonly service: string;
	readonly method: string;
	readonly path: string;
}

export interface AccessRequest {
	readonly method: string;
	/** without query */
	readonly path: string;
}

export function isAllowed(rules: readonly AccessRule[], service: string, { method, path }: AccessRequest): boolean {
	return rules.some((rule) => rule.service === service && rule.method === method && pathMatches(rule.path, path));
}

/**
 * Does a path match a pattern as a whole? `*` and `{anything}` stand for one or more characters of one segment, `**` for
 * any characters. Whoever makes a credential writes the pattern, so it is no regular expression: the time this takes
 * grows with length of pattern times length of path and no faster.
 */
export function pathMatches(pattern: string, path: string): boolean {
	// ends[i]: what of the pattern has been read can match exactly the first i characters
	let ends: Uint8Array = Uint8Array.of(1, ...new Uint8Array(path.length));
	for (const [piece] of pattern.matchAll(PIECES)) {
		if (piece === '**') ends = anything(ends);
		else if (piece === '*' || piece.startsWith('{')) ends = withinSegment(ends, path);
		else ends = literally(ends, path, piece);
	}
	return ends[path.length] === 1;
}

/** Braces that belong to no pair count for nothing, as in keystonemiddleware. */
const PIECES = /\{[^}]*\}|\*\*|\*|[^*{}]+/g;

function anything(ends: Uint8Array): Uint8Array {
	const first = ends.indexOf(1);
	return first < 0 ? ends : new Uint8Array(ends.length).fill(1, first);
}

function withinSegment(ends: Uint8Array, path: string): Uint8Array {
	const next = new Uint8Array(ends.length);
	for (let i = 0; i < path.length; i++) if (path[i] !== '/' && (ends[i] === 1 || next[i] === 1)) next[i + 1] = 1;
	return next;
}

function literally(ends: Uint8Array, path: string, text: string): Uint8Array {
	const next = new Uint8Array(ends.length);
	for (let i = ends.indexOf(1); i >= 0; i = ends.indexOf(1, i + 1)) if (path.startsWith(text, i)) next[i + text.length] = 1;
	return next;
}
