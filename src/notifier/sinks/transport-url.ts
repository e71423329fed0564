/**
 * oslo.messaging's transport URL: `rabbit://user:pass@host:port,user:pass@host:port/vhost?ssl=1`, the scheme also amqp or
 * amqps. What oslo takes from the group oslo_messaging_rabbit stands in the query under the same names.
 */
export interface Transport {
	/** in the order in which they are tried */
	readonly brokers: readonly [Broker, ...Broker[]];
	/** how listeners declare exchange and queues: the broker refuses who declares them otherwise */
	readonly durable: boolean;
	readonly autoDelete: boolean;
	readonly quorum: boolean;
	/** PEM files; absent: the system's authorities, no certificate of one's own */
	readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

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

/** Throws a plain error, without the text, which holds passwords. */
export function parseTransportUrl(text: string): Transport {
	const { scheme = '', hosts = '', vhost = '', query = '' } = SHAPE.exec(text)?.groups ?? {};
	if (!['rabbit', 'amqp', 'amqps', 'kombu'].includes(scheme.toLowerCase()))
		throw new Error('a transport URL begins with rabbit://, amqp:// or amqps://');
	const options = new URLSearchParams(query);
	const isSet = (name: string) => /^(1|true|yes|on)$/i.test(options.get(name) ?? '');
	const tls = scheme.toLowerCase() === 'amqps' || isSet('ssl');
	const place = vhost === '' ? '/' : decodeURIComponent(vhost);
	const [first = '', ...rest] = hosts.split(',');
	const quorum = isSet('rabbit_quorum_queue');
	return {
		brokers: [brokerOf(first, place, tls), ...rest.map((host) => brokerOf(host, place, tls))],
		durable: quorum || isSet('amqp_durable_queues'),
		autoDelete: isSet('amqp_auto_delete'),
		quorum,
		tls: filesOf(options),
	};
}

function filesOf(options: URLSearchParams): Transport['tls'] {
	const names = { ca: 'ssl_ca_file', cert: 'ssl_cert_file', key: 'ssl_key_file' } as const;
	const given = Object.entries(names).map(([key, name]) => [key, options.get(name) ?? ''] as const);
	return Object.fromEntries(given.filter(([, path]) => path !== ''));
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
