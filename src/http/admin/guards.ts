import { ImageError } from '#domain/errors.ts';
import { mediaType } from '#http/v2/images.ts';
import type { AppContext, Handler } from '../env.ts';
import { jsonBody } from '../json-body.ts';

const MAX_BODY_BYTES = 4096;

export function adminOnly(handler: Handler): Handler {
	return (c) => {
		if (!c.var.ctx.admin) throw new ImageError('forbidden', 'only administrators may do this');
		return handler(c);
	};
}

/** The fields of a small JSON object. */
export async function adminBody(c: AppContext): Promise<Readonly<Record<string, unknown>>> {
	// a page of another origin cannot send this type without asking first
	if (mediaType(c) !== 'application/json') throw new ImageError('unsupported-type', 'the content type must be application/json');
	return (await jsonBody(c, MAX_BODY_BYTES)) as Record<string, unknown>;
}
