/** What a request must be before anything reads it, beyond what Node's parser refuses. RFC 9112 §3.2, §6.1 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';

export interface Misframed {
	readonly status: 400 | 431 | 501;
	readonly text: string;
}

/**
 * Where this node and a proxy before it could read one message differently, neither may guess: two hosts, a body in
 * codings other than `chunked`, or `chunked` in the protocol that has no such thing. The parser has already refused
 * two lengths, a length beside `chunked`, folded headers and bare line feeds.
 */
export function misframed(incoming: IncomingMessage, maxHeaders: number): Misframed | undefined {
	const { rawHeaders, headers, httpVersion } = incoming;
	if (rawHeaders.length > 2 * maxHeaders) return { status: 431, text: `the request has more than ${maxHeaders} headers` };
	if (countOf(rawHeaders, 'host') > 1) return { status: 400, text: 'the request has more than one host' };
	const codings = headers['transfer-encoding'];
	if (codings === undefined) return undefined;
	if (httpVersion !== '1.1') return { status: 400, text: `there are no transfer codings in HTTP/${httpVersion}` };
	if (codings.toLowerCase() !== 'chunked') return { status: 501, text: 'the only transfer coding is chunked' };
	return undefined;
}

/** Answers and closes: where the next request would begin is not known. */
export function refuse(outgoing: ServerResponse, { status, text }: Misframed): void {
	const body = `${status} ${STATUS_CODES[status]}\n\n${text}\n\n   `;
	outgoing.writeHead(status, {
		'content-type': 'text/plain; charset=UTF-8',
		'content-length': Buffer.byteLength(body),
		connection: 'close',
	});
	outgoing.end(body);
}

function countOf(rawHeaders: readonly string[], wanted: string): number {
	let count = 0;
	for (let at = 0; at < rawHeaders.length; at += 2) {
		const name = rawHeaders[at] ?? '';
		if (name.length === wanted.length && name.toLowerCase() === wanted) count += 1;
	}
	return count;
}
