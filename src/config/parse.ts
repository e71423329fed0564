/**
 * Text to values, one function for each kind of setting. Each throws a plain Error whose message says what was wanted;
 * who calls adds where the text came from.
 */
import { BlockList, isIP, isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { GiB, KiB, MiB, TiB } from '#lib/sizes.ts';

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

/** Goes into an HTTP header: visible ASCII, no blanks. */
export function parseToken(text: string): string {
	if (!/^[\x21-\x7e]{1,4096}$/.test(text)) throw new Error('a token is one word of visible ASCII characters');
	return text;
}

export function parseOneOf<const T extends string>(choices: readonly T[]): (text: string) => T {
	return (text) => {
		const choice = choices.find((known) => known === text.toLowerCase());
		if (choice === undefined) throw new Error(`"${text}" is none of ${choices.join(', ')}`);
		return choice;
	};
}

const MAX_GRACE_S = 3600;

/** Seconds, given in milliseconds. */
export function parseGrace(text: string): number {
	const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
	if (!(seconds <= MAX_GRACE_S)) throw new Error(`"${text}" is not a number of seconds from 0 to ${MAX_GRACE_S}`);
	return Math.round(seconds * 1000);
}

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KiB, MiB, GiB, TiB };

/** Bytes: `1099511627776`, `10 GiB`. */
export function parseBytes(text: string): number {
	const match = /^(?<count>\d+(?:\.\d+)?) ?(?<unit>[KMGT]iB|B|)$/.exec(text);
	const bytes = Number(match?.groups?.count) * (UNITS[match?.groups?.unit ?? ''] ?? Number.NaN);
	if (!Number.isSafeInteger(bytes) || bytes < 1) throw new Error(`"${text}" is not a size such as 1099511627776 or 10 GiB`);
	return bytes;
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
