import { ImageError } from '#domain/errors.ts';

/** A location without its credentials, and these as the value of `authorization`. */
export interface HttpLocation {
	readonly url: string;
	readonly authorization?: string;
}

const WITH_USER = /^(?<scheme>https?:\/\/)(?<user>[^/?#\\]*)@(?<rest>.*)$/s;

/** Whatever stands before the last @ of the authority is taken away, so that all rules about hosts see the host alone. */
export function parseHttpLocation(location: string): HttpLocation {
	const { scheme, user, rest } = WITH_USER.exec(location)?.groups ?? {};
	if (scheme === undefined || user === undefined || rest === undefined) return { url: location };
	const [name, password, ...more] = user.split(':').map(decoded);
	if (!name || password === undefined || more.length > 0) throw malformed();
	return { url: scheme + rest, authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
}

function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		throw malformed();
	}
}

function malformed(): ImageError {
	return new ImageError('invalid', 'credentials in a location have the form user:password, percent-encoded');
}
