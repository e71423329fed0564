/** oslo.messaging's transport URL: `rabbit://user:pass@host:port,user:pass@host:port/vhost?ssl=1`, the scheme also amqp, amqps. */
export interface Broker {
	readonly protocol: 'amqp' | 'amqps';
	readonly hostname: string;
	readonly port: number;
	readonly username: string;
	readonly password: string;
	readonly vhost: string;
}

const SHAPE = /^(?<scheme>[a-z+]+):\/\/(?<hosts>[^/?]*)(?:\/(?<vhost>[^?]*))?(?:\?(?<query>.*))?$/i;
const HOST = /^(?:(?<user>[^:@]*)(?::(?<password>[^@]*))?@)?(?:\[(?<six>[^\]]+)\]|(?<host>[^:@[\]]+))(?::(?<port>\d{1,5}))?$/;
const TLS_PORT = 5671;
const PORT = 5672;

/** Brokers in the order in which they are tried; throws a plain error, without the text, which holds passwords. */
export function parseTransportUrl(text: string): readonly [Broker, ...Broker[]] {
	const { scheme = '', hosts = '', vhost = '', query = '' } = SHAPE.exec(text)?.groups ?? {};
	if (!['rabbit', 'amqp', 'amqps', 'kombu'].includes(scheme.toLowerCase()))
		throw new Error('a transport URL begins with rabbit://, amqp:// or amqps://');
	const tls = scheme.toLowerCase() === 'amqps' || /^(1|true|yes|on)$/i.test(new URLSearchParams(query).get('ssl') ?? '');
	const place = vhost === '' ? '/' : decodeURIComponent(vhost);
	const [first = '', ...rest] = hosts.split(',');
	return [brokerOf(first, place, tls), ...rest.map((host) => brokerOf(host, place, tls))];
}

function brokerOf(text: string, vhost: string, tls: boolean): Broker {
	const parts = HOST.exec(text)?.groups;
	if (parts === undefined) throw new Error('a host of a transport URL is user:password@host:port');
	return {
		protocol: tls ? 'amqps' : 'amqp',
		hostname: parts.six ?? parts.host ?? '',
		port: Number(parts.port ?? (tls ? TLS_PORT : PORT)),
		username: decodeURIComponent(parts.user ?? 'guest'),
		password: decodeURIComponent(parts.password ?? 'guest'),
		vhost,
	};
}
