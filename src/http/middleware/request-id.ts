import { ImageError } from '#domain/errors.ts';
import type { Middleware } from '../env.ts';
import { problemText } from '../problems.ts';

/**
 * One id for the request, its answer and every log line. A client may bring its own: `req-` is put in front when
 * missing. Longer than `maxLength` (0: any length) is 431 (Glance means that and answers 500); what is not printable
 * would spoil logs: `invalid`.
 */
export function requestId(maxLength: number): Middleware {
	return async (c, next) => {
		const given = c.req.header('x-openstack-request-id');
		const own = `req-${crypto.randomUUID()}`;
		c.set('requestId', own);
		c.set('dataBytes', 0);
		c.set('cors', {});
		if (given === undefined || given === '') return next();
		if (maxLength > 0 && given.length > maxLength)
			return problemText(c, 431, `the request id is longer than ${maxLength} characters`);
		if (!/^[\x21-\x7e]+$/.test(given)) throw new ImageError('invalid', 'the request id has characters that are not printable');
		c.set('requestId', given.startsWith('req-') ? given : `req-${given}`);
		return next();
	};
}
