/** What a client may try who wants to reach a service of this machine by a URL; `port` is where one listens. */
import { networkInterfaces } from 'node:os';
import { isReachable } from '#lib/web/reach.ts';

/** Ways to write an address of this machine, of its link or of a cloud's metadata, and ways to hide one. */
export const HOSTILE_HOSTS: readonly string[] = [
	...['127.0.0.1', '127.1', '127.0.1', '127.255.255.254', '2130706433', '0x7f000001', '0x7F000001', '0x7f.1', '0x7f.0.0.1'],
	...['0177.0.0.1', '0177.1', '017700000001', '127.0.0.1.', '127.1.', '127.0.0.01', '0127.0.0.1', '127.0.0.0x1', '127.0x0.0.1'],
	...['0', '0.0.0.0', '0.', '00000000', '0x0', '0.1', '0.255.255.255'],
	...['169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518', '169.16689662', '169.254.1.1'],
	...['100.100.100.200', '168.63.129.16', '192.0.0.192', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
	...['[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:0:127.0.0.1]', '[::127.0.0.1]'],
	...['[::7f00:1]', '[64:ff9b::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2002:7f00:1::1]'],
	...['[fe80::1]', '[fe80::1%25lo]', '[fe80::1%lo]', '[fec0::1]', '[ff02::1]', '[fd00:ec2::254]', '[fd20:ce::254]', '[2001::1]'],
	...['[::ffff:a9fe:a9fe]', '[::ffff:169.254.169.254]', '[2002:a9fe:a9fe::]', '[::1', '::1', '[::1]x', '[v1.x]', '[127.0.0.1]'],
	...['localhost', 'LOCALHOST', 'localhost.', 'LocalHost', 'loopback.example', 'a.b.c.example', '127.0.0.1.nip.example'],
	...['127。0。0。1', '127.0.0.1', '①②⑦.⓪.⓪.①', '127%2e0%2e0%2e1', '%6cocalhost', 'loc%61lhost', 'ｌocalhost', 'localhost%00'],
	...['user@127.0.0.1', 'user:pass@127.0.0.1', 'example.com@127.0.0.1', '127.0.0.1@example.com', 'a%40b@127.0.0.1', '@127.0.0.1'],
	...['example.com\\@127.0.0.1', '127.0.0.1\\.example.com', 'example.com:80@127.0.0.1', '-', '..', '.', 'a..b', '-a.example', ''],
	...[
		'*',
		'a b',
		'a\tb',
		'127.0.0.1\t',
		'127.0.0.1\n',
		'127.0.0.1\0',
		'a_b!',
		`${'a'.repeat(64)}.example`,
		`${'a.'.repeat(130)}example`,
	],
];

/** Whole forms that parsers repair or read in two ways. */
export function hostileUrls(port: number): readonly string[] {
	return [
		...[`http:127.0.0.1:${port}/`, `http:/127.0.0.1:${port}/`, `http:///127.0.0.1:${port}/`, `http:\\\\127.0.0.1:${port}/`],
		...[`HTTP://127.0.0.1:${port}/`, ` http://127.0.0.1:${port}/`, `http://127.0.0.1:${port}/ `, `//127.0.0.1:${port}/`],
		...[`http://example.com#@127.0.0.1:${port}/`, `http://example.com?@127.0.0.1:${port}/`, `http://127.0.0.1:${port}#x`],
		...[`http://127.0.0.1:${port}?x`, `http://127.0.0.1:0${port}/`, `http://127.0.0.1:${port}:80/`, 'http://127.0.0.1:/'],
		...['http://127.0.0.1:99999/', 'http://127.0.0.1:-1/', 'http://127.0.0.1:8０/', 'http://', 'http://:80/', 'https://'],
		...['file:///etc/passwd', 'ftp://127.0.0.1/', 'gopher://127.0.0.1/', 'data:text/plain,x', 'javascript:1', 'blob:x', 'x'],
		...['unix:/run/x', 'http+unix://x', 'https+insecure://x', 'jar:http://x!/', `http://x/${'a'.repeat(2048)}`, ''],
	];
}

/** Where a server may send its visitors, itself known as front.example at port `front`. */
export function hostileRedirects(port: number, front: number): readonly string[] {
	return [
		...[`http://internal.example:${port}/`, `//internal.example:${port}/`, `http://127.0.0.1:${port}/`, `//127.1:${port}/`],
		...[`http://0x7f000001:${port}/`, `http://[::1]:${port}/`, `http://[::ffff:7f00:1]:${port}/`, `http://a@127.0.0.1:${port}/`],
		...[`/\\127.0.0.1:${port}/`, `\\\\127.0.0.1:${port}/`, 'file:///etc/passwd', 'ftp://front.example/', 'javascript:1'],
		...[`http://127.0.0.1:${front}/`, 'http://front.example:1/', `HTTP://internal.example:${port}/`, 'http://'],
	];
}

/** Of this machine, and not loopback: what a redirect may lead to has to be reachable first. */
export function outwardAddress(): string | undefined {
	return Object.values(networkInterfaces())
		.flat()
		.find((each) => each !== undefined && !each.internal && each.family === 'IPv4' && isReachable(each.address))?.address;
}
