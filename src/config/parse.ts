/**
 * Text to addresses, names and paths, one function for each kind. Each throws a plain Error whose message says what was
 * wanted; who calls adds where the text came from. Plain values are read by parse-values.ts.
 */
import { BlockList, isIP, isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import type { KeystoneName } from './config.ts';
import { parseWord } from './parse-values.ts';

export interface Address {
	readonly host: string;
	readonly port: number;
}

const MAX_PORT = 65_535;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\.?$/i;
const SITE_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
/** base58 or base32 of a multihash; the exchange checks the rest when it dials. */
const PEER_ID = /^[a-zA-Z0-9]{40,80}$/;

/** `host:port` or `[IPv6]:port`; port 0 asks the system for a free one. */
export function parseAddress(text: string): Address {
	const match = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text.trim());
	const host = match?.groups?.six ?? match?.groups?.host ?? '';
	const port = Number(match?.groups?.port);
	const known = match?.groups?.six === undefined ? isHost(host) : isIPv6(host);
	if (!known || port > MAX_PORT) throw new Error(`"${text}" is not host:port or [IPv6]:port`);
	return { host, port };
}

/** As a URL or a log has it: IPv6 in brackets. */
export function formatAddress({ host, port }: Address): string {
	return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Digits and dots must be a true IPv4 address: 127.0.0.300 is no name. */
function isHost(host: string): boolean {
	return isIP(host) === 4 || (HOST_NAME.test(host) && !/^[\d.]+$/.test(host));
}

/** Where peers connect to: TCP multiaddrs without the /p2p part. */
export function parsePeerListen(texts: readonly string[]): readonly string[] {
	if (texts.length === 0) throw new Error('at least one multiaddr is needed, such as /ip4/127.0.0.1/tcp/0');
	for (const text of texts)
		if (!isTcpAddress(text)) throw new Error(`"${text}" is not a multiaddr such as /ip4/0.0.0.0/tcp/9293`);
	return texts;
}

/** Whom to dial: TCP multiaddrs that name the peer, so that nobody else can answer in its place. */
export function parseBootstrap(texts: readonly string[]): readonly string[] {
	for (const text of texts) {
		const [address = '', peer = '', ...rest] = text.split('/p2p/');
		if (!isTcpAddress(address) || !PEER_ID.test(peer) || rest.length > 0)
			throw new Error(`"${text}" is not a peer's multiaddr such as /ip4/192.0.2.1/tcp/9293/p2p/12D3…`);
	}
	return texts;
}

function isTcpAddress(text: string): boolean {
	const [empty, kind = '', host = '', transport, port = '', ...rest] = text.split('/');
	const known = kind === 'ip4' ? isIP(host) === 4 : kind === 'ip6' ? isIPv6(host) : /^dns[46]?$/.test(kind) && isHost(host);
	return empty === '' && known && transport === 'tcp' && /^\d{1,5}$/.test(port) && Number(port) <= MAX_PORT && rest.length === 0;
}

export function parseSite(text: string): string {
	if (!SITE_NAME.test(text))
		throw new Error(`"${text}" is not a site name: up to 63 of a-z, 0-9 and "-", beginning with a letter or digit`);
	return text;
}

/** Absolute; a relative path begins where the setting was written. */
export function parsePath(text: string, base: string): string {
	if (text === '' || text.includes('\0')) throw new Error('a path is needed');
	return resolve(base, text);
}

export function parsePaths(texts: readonly string[], base: string): readonly string[] {
	return texts.map((text) => parsePath(text, base));
}

/** `192.0.2.1`, `10.0.0.0/8`, `fd00::/8`: addresses and CIDR ranges. */
export function parseNetworks(texts: readonly string[]): readonly string[] {
	for (const text of texts) {
		const [address = '', bits, ...rest] = text.split('/');
		const family = isIP(address);
		const width = family === 4 ? 32 : 128;
		if (family === 0 || rest.length > 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= width)))
			throw new Error(`"${text}" is not an address or a range such as 10.0.0.0/8`);
	}
	return texts;
}

/** An http(s) URL without credentials, query or fragment, and without slashes at its end. */
export function parseBaseUrl(text: string): string {
	const url = parseHttpUrl(text);
	if (/[?#]/.test(text)) throw new Error('a URL without query and fragment is needed');
	return url.replace(/\/+$/, '');
}

/** Whoever may see the settings may see it: credentials have settings of their own. */
export function parseHttpUrl(text: string): string {
	const url = URL.parse(text);
	if (url === null || !/^https?:$/.test(url.protocol)) throw new Error('a URL that begins with http:// or https:// is needed');
	if (url.username !== '' || url.password !== '') throw new Error('a URL without user and password is needed');
	return url.href;
}

/** A Keystone name, or `id:` and an id. */
export function parseKeystoneName(text: string): KeystoneName {
	const [, id] = /^id:(.+)$/.exec(text) ?? [];
	return id === undefined ? { name: parseWord(text) } : { id: parseWord(id) };
}

/** Goes into an HTTP header: visible ASCII, no blanks. */
export function parseToken(text: string): string {
	if (!/^[\x21-\x7e]{1,4096}$/.test(text)) throw new Error('a token is one word of visible ASCII characters');
	return text;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** True only when nobody outside this machine can connect. */
export function isLoopback(host: string): boolean {
	const family = isIP(host);
	if (family === 0) return host.toLowerCase() === 'localhost';
	return LOOPBACK.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

/** The same for a multiaddr that `parsePeerListen` took. */
export function isLoopbackPeer(multiaddr: string): boolean {
	return isLoopback(multiaddr.split('/')[2] ?? '');
}
