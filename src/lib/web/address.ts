/**
 * Which addresses of the web may be fetched from: the lists of an operator over a strict reading of URLs. The text itself
 * is read, not what a URL parser makes of it: parsers repair what they are given, and `http://0x7f.1` would be told from
 * `http://127.0.0.1` by nobody. Pure; names are resolved in client.ts.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { WebError } from './web-error.ts';

/** Of a pair of lists, only what is allowed counts when both are given. An empty list is no list. */
export interface WebFilter {
	/** default http, https; nothing else can be spoken */
	readonly allowedSchemes?: readonly string[];
	readonly disallowedSchemes?: readonly string[];
	/** host names or addresses. One that is named here may also be this very machine. */
	readonly allowedHosts?: readonly string[];
	readonly disallowedHosts?: readonly string[];
	/** default 80, 443 */
	readonly allowedPorts?: readonly number[];
	readonly disallowedPorts?: readonly number[];
	/** may also be this very machine; says nothing of other hosts */
	readonly trustedHosts?: readonly string[];
}

export interface WebAddress {
	/** what is asked for: never with credentials or a fragment */
	readonly url: URL;
	/** lower case, without brackets and without a dot at the end */
	readonly host: string;
	readonly port: number;
	/** an operator named this host: its addresses are not looked at */
	readonly trusted: boolean;
}

const MAX_URL_CHARS = 2048;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };
const FORM = /^(?<scheme>https?):\/\/(?<authority>[^/?#]*)(?<rest>[/?#].*)?$/;
const AUTHORITY = /^(?:\[(?<v6>[^[\]%]*)\]|(?<name>[^[\]:@%]*))(?::(?<port>\d{1,5}))?$/;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** `invalid`, without a word that could tell what is behind the filter. */
export function parseWebAddress(text: string, filter: WebFilter = {}): WebAddress {
	if (text.length > MAX_URL_CHARS) throw new WebError('invalid', `a URL has at most ${MAX_URL_CHARS} characters`);
	// printable ASCII only, and no backslash: parsers disagree about everything else
	if (!/^[!-[\]-~]+$/.test(text)) throw refused(text, 'it has characters that must be escaped');
	const { scheme, authority, rest = '' } = FORM.exec(text)?.groups ?? {};
	if (scheme === undefined || authority === undefined) throw refused(text, 'only http:// and https:// are fetched');
	if (!passes(scheme, filter.allowedSchemes, filter.disallowedSchemes)) throw refused(text, 'its scheme is not allowed');
	const { v6, name, port: portText } = AUTHORITY.exec(authority)?.groups ?? {};
	const host = v6 === undefined ? canonicalName(name ?? '') : canonicalV6(v6);
	if (host === undefined) throw refused(text, 'its host must be a name or an address in its usual form, without credentials');
	const port = Number(portText ?? DEFAULT_PORTS[scheme]);
	if (!passes(port, filter.allowedPorts ?? [80, 443], filter.disallowedPorts)) throw refused(text, 'its port is not allowed');
	if (!passes(host, lower(filter.allowedHosts), lower(filter.disallowedHosts))) throw refused(text, 'its host is not allowed');
	const shown = v6 === undefined ? host : `[${host}]`;
	const url = new URL(`${scheme}://${shown}:${port}${rest.startsWith('#') || rest === '' ? '/' : rest}`);
	url.hash = '';
	// whoever connects reads the URL once more, and must read the same
	if (url.hostname !== shown) throw refused(text, 'its host can be read in two ways');
	const trusted = lower([...(filter.allowedHosts ?? []), ...(filter.trustedHosts ?? [])]).includes(host);
	return { url, host, port, trusted };
}

/** Where a redirect leads; a relative one stays with the scheme, host and port it was found at. */
export function parseRedirect(location: string, from: WebAddress, filter: WebFilter = {}): WebAddress {
	if (/^[a-z][a-z0-9+.-]*:/i.test(location)) return parseWebAddress(location, filter);
	if (location.startsWith('//')) return parseWebAddress(`${from.url.protocol}${location}`, filter);
	if (location.includes('\\') || !URL.canParse(location, from.url)) throw refused(location, 'it is not a URL');
	return parseWebAddress(new URL(location, from.url).href, filter);
}

function passes<T>(value: T, allowed: readonly T[] = [], disallowed: readonly T[] = []): boolean {
	return allowed.length > 0 ? allowed.includes(value) : !disallowed.includes(value);
}

function lower(hosts: readonly string[] = []): readonly string[] {
	return hosts.map((host) => host.toLowerCase().replace(/\.$/, ''));
}

/** A name by DNS or four decimal numbers. What else ends in a number, some resolvers take for an address: it is none here. */
function canonicalName(text: string): string | undefined {
	const name = text.toLowerCase().replace(/\.$/, '');
	if (isIPv4(text)) return text;
	const labels = name.split('.');
	const isNumeric = /^(?:\d+|0x[\da-f]*)$/.test(labels.at(-1) ?? '');
	return name.length <= 253 && !isNumeric && labels.every((label) => LABEL.test(label)) ? name : undefined;
}

function canonicalV6(text: string): string | undefined {
	return isIPv6(text) ? new URL(`http://[${text}]`).hostname.slice(1, -1) : undefined;
}

/** Neither what stands before an @ nor a query is shown: both may be secrets. */
function refused(url: string, why: string): WebError {
	const bare = url.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:)?([/\\]*).*@/is, '$1$2…@');
	const shown = bare.length > 120 ? `${bare.slice(0, 120)}…` : bare;
	return new WebError('invalid', `nothing is fetched from ${shown}: ${why}`);
}
