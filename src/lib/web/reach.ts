/**
 * Addresses that a fetch for a client may never reach: loopback, the link, what a cloud answers its machines about
 * themselves, and whatever this machine itself listens on. Private networks may be reached: that is where a private
 * cloud keeps its images (and so has Glance).
 */
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

const REFUSED_V4: readonly (readonly [network: string, prefix: number])[] = [
	['0.0.0.0', 8],
	['127.0.0.0', 8],
	['169.254.0.0', 16],
	// multicast, reserved, broadcast
	['224.0.0.0', 3],
	// metadata of clouds outside of the link-local range
	['100.100.100.200', 32],
	['168.63.129.16', 32],
	['192.0.0.192', 32],
];
const REFUSED_V6: readonly (readonly [network: string, prefix: number])[] = [
	['::', 128],
	['::1', 128],
	['fe80::', 10],
	['fec0::', 10],
	['ff00::', 8],
	['fd00:ec2::254', 128],
	['fd20:ce::254', 128],
	// Teredo hides its IPv4 addresses
	['2001::', 32],
];

const refused = new BlockList();
for (const [network, prefix] of REFUSED_V4) refused.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of REFUSED_V6) refused.addSubnet(network, prefix, 'ipv6');

/**
 * Of an address as a resolver gives it; what is no address is not reachable either. An IPv4 address within one of IPv6
 * counts. `own`: this machine's addresses.
 */
export function isReachable(address: string, own: readonly string[] = []): boolean {
	const plain = plainForm(address);
	if (plain === undefined || own.some((each) => plainForm(each) === plain)) return false;
	return !refused.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4') && !(isIPv6(address) && refused.check(address, 'ipv6'));
}

/** Of every interface, as they are now. */
export function addressesOfThisMachine(): readonly string[] {
	return Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? []);
}

/** One text for an address, however it is written or wrapped. */
function plainForm(address: string): string | undefined {
	if (!isIPv6(address)) return /^\d+(?:\.\d+){3}$/.test(address) ? address : undefined;
	if (address.includes('%')) return undefined;
	return embeddedV4(groupsOf(address)) ?? canonicalV6(address);
}

/** Mapped and compatible (::/96, ::ffff:0:0/96, ::ffff:0:0:0/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/48 with /96), 6to4 (2002::/16). */
function embeddedV4(groups: readonly number[]): string | undefined {
	const [a = 0, b = 0, c = 0] = groups;
	if (a === 0x2002) return dotted(b, c);
	const leading = groups.slice(0, 4).every((group) => group === 0);
	const [, , , , e = 0, f = 0, g = 0, h = 0] = groups;
	const isMapped = leading && [0, 0xffff].includes(e) && [0, 0xffff].includes(f);
	const isTranslated = a === 0x64 && b === 0xff9b;
	return isMapped || isTranslated ? dotted(g, h) : undefined;
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
	const [head = '', tail] = canonicalV6(address).split('::');
	const numbers = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
	const [first, last] = [numbers(head), numbers(tail ?? '')];
	return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
}

function dotted(high: number, low: number): string {
	return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

/** As the URL parser writes it: an address of IPv4 within it as two groups. */
function canonicalV6(address: string): string {
	return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
