import { ImageError } from '#domain/errors.ts';
import type { AppContext } from './env.ts';
import { type BodyPace, requestBody } from './request-body.ts';

const MAX_DEPTH = 32;

/**
 * The JSON document of a request, at most `maxBytes` long and 32 levels deep. The content type is not looked at, as
 * Glance does not. `invalid` for anything else, `too-large` beyond the limit.
 */
export async function jsonBody(c: AppContext, maxBytes: number, pace?: BodyPace): Promise<unknown> {
	const chunks: Uint8Array[] = [];
	let length = 0;
	for await (const chunk of requestBody(c.env.incoming, c.env.outgoing, pace)) {
		length += chunk.length;
		if (length > maxBytes) throw new ImageError('too-large', `the body is longer than ${maxBytes} bytes`);
		chunks.push(Uint8Array.from(chunk));
	}
	if (length === 0) throw new ImageError('invalid', 'the request needs a JSON body');
	return parseJson(Buffer.concat(chunks));
}

/** Parsing keeps a `__proto__` key as an ordinary key; it becomes nobody's prototype. */
export function parseJson(bytes: Uint8Array): unknown {
	const value = parsed(bytes);
	if (typeof value !== 'object' || value === null) throw new ImageError('invalid', 'the body must be a JSON object or array');
	if (deeperThan(value, MAX_DEPTH)) throw new ImageError('invalid', `the body is nested deeper than ${MAX_DEPTH} levels`);
	return value;
}

function parsed(bytes: Uint8Array): unknown {
	try {
		return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
	} catch (cause) {
		throw new ImageError('invalid', 'the body is not JSON in UTF-8', { cause });
	}
}

function deeperThan(root: object, levels: number): boolean {
	let level: readonly object[] = [root];
	for (let depth = 1; depth <= levels; depth += 1) {
		level = level.flatMap((node) =>
			Object.values(node).filter((child): child is object => typeof child === 'object' && child !== null),
		);
		if (level.length === 0) return false;
	}
	return true;
}
