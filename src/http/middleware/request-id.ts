import { ImageError } from '#domain/errors.ts';
import type { Middleware } from '../env.ts';
import { problemText } from '../problems.ts';

/** Glance's max_request_id_length. */
const MAX_LENGTH = 64;

/**
 * One id for the request, its answer and every log line. A client may bring its own: `req-` is put in front when
 * missing. Too long is 431 (Glance means that and answers 500); what is not printable would spoil logs: `invalid`.
 */
export const requestId: Middleware = async (c, next) => {
	const given = c.req.header('x-openstack-request-id');
	const own = `req-${crypto.randomUUID()}`;
	c.set('requestId', own);
	c.set('dataBytes', 0);
	if (given === undefined || given === '') return next();
	if (given.length > MAX_LENGTH) return problemText(c, 431, `the request id is longer than ${MAX_LENGTH} characters`);
	if (!/^[\x21-\x7e]+$/.test(given)) throw new ImageError('invalid', 'the request id has characters that are not printable');
	c.set('requestId', given.startsWith('req-') ? given : `req-${given}`);
	return next();
};
