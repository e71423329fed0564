import { BlockList, isIP, isIPv6 } from 'node:net';

/** Is an address in one of these addresses or ranges (`10.0.0.0/8`)? IPv4 in the clothes of IPv6 counts as IPv4. */
export function networks(texts: readonly string[]): (address: string) => boolean {
	const list = new BlockList();
	for (const text of texts) {
		const [start = '', bits, ...rest] = text.split('/');
		const address = plain(start);
		if (isIP(address) === 0) throw new TypeError(`${text} is not an address or a range of addresses`);
		const whole = isIPv6(address) ? 128 : 32;
		// a prefix of ::ffff:a.b.c.d counts the 96 bits before the address
		const prefix = bits === undefined ? whole : countOf(bits) - (address === start ? 0 : 96);
		if (!(prefix >= 0 && prefix <= whole) || rest.length > 0) throw new TypeError(`${text} is not a range of addresses`);
		list.addSubnet(address, prefix, family(address));
	}
	return (address) => {
		const one = plain(address);
		return isIP(one) !== 0 && list.check(one, family(one));
	};
}

/** An empty text is no number, least of all the one that means everybody. */
function countOf(text: string): number {
	return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
}

/** Without the zone of a link-local address, and IPv4 as IPv4. */
function plain(address: string): string {
	const [bare = ''] = address.split('%');
	const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(bare);
	return mapped?.[1] ?? bare;
}

function family(address: string): 'ipv4' | 'ipv6' {
	return isIPv6(address) ? 'ipv6' : 'ipv4';
}
