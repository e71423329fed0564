/** Errors leave through here: one table from code to status, one rule for the body. */
import { STATUS_CODES } from 'node:http';
import { type ErrorCode, ImageError } from '#domain/errors.ts';
import { likings } from './accept.ts';
import type { AppContext } from './env.ts';
import { respond } from './respond.ts';

interface Answer {
	readonly status: number;
	readonly headers?: Readonly<Record<string, string>>;
}

const ANSWERS: Readonly<Record<ErrorCode, Answer>> = {
	'not-found': { status: 404 },
	forbidden: { status: 403 },
	unauthenticated: { status: 401 },
	invalid: { status: 400 },
	conflict: { status: 409 },
	gone: { status: 410 },
	'unsupported-type': { status: 415 },
	'limit-exceeded': { status: 413 },
	'too-large': { status: 413 },
	full: { status: 413 },
	'write-denied': { status: 503 },
	unavailable: { status: 503, headers: { 'retry-after': '10' } },
	corrupt: { status: 500 },
	'store-failed': { status: 500 },
	'whole-only': { status: 400 },
	timeout: { status: 408 },
	aborted: { status: 503 },
};

/** The answer to an error of ours; anything else is a fault of this program, and its text stays inside. */
export function problem(c: AppContext, error: unknown, headers: Readonly<Record<string, string>> = {}): Response {
	if (!(error instanceof ImageError))
		return problemText(c, 500, 'the server has either erred or is incapable of performing the requested operation', headers);
	const { status, headers: own } = ANSWERS[error.code];
	return problemText(c, status, error.message, { ...own, ...headers });
}

/** An error the door itself makes: no such method, no such range. */
export function problemText(
	c: AppContext,
	status: number,
	text: string,
	headers: Readonly<Record<string, string>> = {},
): Response {
	const title = TITLES[status] ?? STATUS_CODES[status] ?? 'Error';
	const [type, body] = BODIES[bodyKind(c.req.header('accept'))](`${status} ${title}`, title, text);
	return respond(c, status, body, { 'content-type': type, 'x-content-type-options': 'nosniff', ...headers });
}

/** Glance's names where they are older than Node's. */
const TITLES: Readonly<Record<number, string>> = { 413: 'Request Entity Too Large', 416: 'Request Range Not Satisfiable' };

type BodyKind = 'plain' | 'html' | 'json';

/** The three shapes clients of Glance parse; spaces and line ends included. */
const BODIES: Readonly<Record<BodyKind, (line: string, title: string, text: string) => readonly [type: string, body: string]>> = {
	plain: (line, _title, text) => ['text/plain; charset=UTF-8', `${line}\n\n${text}\n\n   `],
	html: (line, _title, text) => [
		'text/html; charset=UTF-8',
		`<html>\n <head>\n  <title>${line}</title>\n </head>\n <body>\n  <h1>${line}</h1>\n  ${escapeHtml(text)}<br /><br />\n\n\n\n </body>\n</html>`,
	],
	json: (line, title, text) => ['application/json', JSON.stringify({ message: `${text}<br /><br />\n\n\n`, code: line, title })],
};

/** HTML before JSON when the client likes both equally; plain text when it names neither, or nothing at all. */
function bodyKind(accept: string | undefined): BodyKind {
	if (accept === undefined) return 'plain';
	const liking = likings(accept);
	const [html, json] = [liking('text/html'), liking('application/json')];
	if (html === 0 && json === 0) return 'plain';
	return html >= json ? 'html' : 'json';
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;' };

function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}
