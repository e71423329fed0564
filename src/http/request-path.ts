/** What a request target names: decoded once, so that whoever decides by a path and whoever routes by it read the same. */
import { ImageError } from '#domain/errors.ts';

/**
 * The path of a request target, with every escape read exactly once and the sign `%` itself left escaped, as the router
 * decodes what it hands out. An escaped slash is a slash (so Glance's server has it: no name in a path contains one);
 * what is no escape, or no UTF-8, stays as it was written and names nothing. Leading slashes are one.
 */
export function pathOf(target: string): string {
	const written = pathPart(target);
	if (!written.includes('%') && !written.startsWith('//')) return written;
	return decoded(written).replaceAll('%', '%25').replace(/^\/+/, '/');
}

/** The parameters of a URL. `invalid` when they are not UTF-8; what only looks like an escape stands for itself. */
export function queryOf(url: string): URLSearchParams {
	const { search, searchParams } = new URL(url);
	try {
		decodeURIComponent(search.replace(/%(?![0-9a-f]{2})/gi, '%25'));
	} catch (cause) {
		throw new ImageError('invalid', 'the query is not UTF-8', { cause });
	}
	return searchParams;
}

/** Without query, fragment, and the scheme and authority of the absolute form. RFC 9112 §3.2 */
function pathPart(target: string): string {
	const path = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]*/i, '');
	const end = path.search(/[?#]/);
	return (end < 0 ? path : path.slice(0, end)) || '/';
}

function decoded(text: string): string {
	return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
		try {
			return decodeURIComponent(escapes);
		} catch {
			return escapes;
		}
	});
}
