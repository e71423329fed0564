import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import type { AppContext } from './env.ts';
import { commonHeaders } from './respond.ts';

/** Resolves when the next value may come. */
export type WriteLine = (value: object) => Promise<void>;

/**
 * An answer of many values, a line of JSON each, as they come and no faster than the client takes them; the last line is
 * `{"end":true}`. What fails before the first line is an ordinary answer of its own; later it is the last line, `{"failed":"why"}`.
 */
export async function jsonLines(c: AppContext, log: Log, work: (write: WriteLine) => Promise<void>): Promise<Response> {
	const { outgoing } = c.env;
	const write: WriteLine = async (value) => {
		if (outgoing.destroyed) throw new ImageError('aborted', 'the client closed the connection');
		if (!outgoing.headersSent) outgoing.writeHead(200, { ...commonHeaders(c), 'content-type': 'application/x-ndjson' });
		if (!outgoing.write(`${JSON.stringify(value)}\n`)) await taken(outgoing);
	};
	try {
		await work(write);
		await write({ end: true });
	} catch (error) {
		if (!outgoing.headersSent) throw error;
		if (!(error instanceof ImageError)) log.error({ err: error, request: c.var.requestId }, 'request failed');
		const failed = error instanceof ImageError ? error.message : 'the node has failed; its log says why';
		if (!outgoing.destroyed) outgoing.write(`${JSON.stringify({ failed })}\n`);
	}
	outgoing.end();
	return RESPONSE_ALREADY_SENT;
}

async function taken(outgoing: ServerResponse): Promise<void> {
	const over = new AbortController();
	const { signal } = over;
	try {
		await Promise.race([once(outgoing, 'drain', { signal }), once(outgoing, 'close', { signal })]);
	} finally {
		over.abort();
	}
}
