/** What clients call this service: the start of every URL that an answer names. */
import type { AppContext } from './env.ts';

export interface PublicUrlOptions {
	/** scheme, host and path that clients use; absent: what each request says */
	readonly publicEndpoint?: string;
	/** a proxy stands before this node, and says in headers what it was asked (Glance: enable_proxy_headers_parsing) */
	readonly proxyHeaders: boolean;
}

/**
 * Never with a slash at the end. Headers of a proxy are believed only when there is one: otherwise any client could
 * write them. What is not of their form is left out.
 */
export function publicUrlOf({ publicEndpoint, proxyHeaders }: PublicUrlOptions): (c: AppContext) => string {
	if (publicEndpoint !== undefined) {
		const fixed = publicEndpoint.replace(/\/+$/, '');
		return () => fixed;
	}
	const own = (c: AppContext) => new URL(c.req.url).origin;
	return proxyHeaders ? (c) => throughProxy(own(c), (name) => c.req.header(name)) : own;
}

function throughProxy(origin: string, header: (name: string) => string | undefined): string {
	const url = new URL(origin);
	const forwarded = header('forwarded');
	const { proto, host, port } = forwarded === undefined ? fromOlderHeaders(header) : fromForwarded(forwarded);
	const scheme = /^https?$/i.test(proto) ? proto.toLowerCase() : url.protocol.slice(0, -1);
	const authority = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host) ? withPort(host, port) : url.host;
	const base = `${scheme}://${authority}`;
	return `${URL.canParse(base) ? new URL(base).origin : origin}${prefixOf(header('x-forwarded-prefix'))}`;
}

interface Said {
	readonly proto: string;
	readonly host: string;
	readonly port: string;
}

/** RFC 7239; the first element is what the proxy nearest to the client was asked. */
function fromForwarded(text: string): Said {
	const pairs = (text.split(',', 1)[0] ?? '').split(';').map((pair) => {
		const [name = '', ...value] = pair.split('=');
		return [
			name.trim().toLowerCase(),
			value
				.join('=')
				.trim()
				.replace(/^"(.*)"$/, '$1'),
		] as const;
	});
	const said = new Map(pairs);
	return { proto: said.get('proto') ?? '', host: said.get('host') ?? '', port: '' };
}

function fromOlderHeaders(header: (name: string) => string | undefined): Said {
	const first = (name: string) => (header(name) ?? '').split(',', 1)[0]?.trim() ?? '';
	return { proto: first('x-forwarded-proto'), host: first('x-forwarded-host'), port: first('x-forwarded-port') };
}

function withPort(host: string, port: string): string {
	return /^\d{1,5}$/.test(port) && !/:\d+$/.test(host) ? `${host}:${port}` : host;
}

function prefixOf(prefix: string | undefined): string {
	const plain = (prefix ?? '').trim().replace(/\/+$/, '');
	return /^(?:\/[\w.~-]+)+$/.test(plain) ? plain : '';
}
