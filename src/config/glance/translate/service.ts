/** Where the node listens, what it tells, what it keeps. */
import { ConfigError } from '#config/config.ts';
import { formatAddress } from '#config/parse.ts';
import { type Translation, textOf } from '../translation.ts';

export function translateListening({ value, give }: Translation): void {
	const address = { host: String(value('DEFAULT.bind_host')), port: Number(value('DEFAULT.bind_port')) };
	give('listen', formatAddress(address), 'DEFAULT.bind_host', 'DEFAULT.bind_port');
}

export function translateLogging({ value, give }: Translation): void {
	give('logLevel', value('DEFAULT.debug') === true ? 'debug' : 'info', 'DEFAULT.debug');
}

/** Glance takes a default above the most, and then gives the most. */
export function translateListLimits({ value, give }: Translation): void {
	const max = Number(value('DEFAULT.api_limit_max'));
	const count = Math.min(max, Number(value('DEFAULT.limit_param_default')));
	give('apiMaxLimit', String(max), 'DEFAULT.api_limit_max');
	give('apiDefaultLimit', String(count), 'DEFAULT.limit_param_default');
}

export function translateQuotaManners({ give }: Translation): void {
	give('quotaOvershoot', 'one');
	give('apiShowSites', 'false');
}

/** The file counts unless the check is told to look at other things only. */
export function translateHealth({ said, give }: Translation): void {
	const backends = said('healthcheck.backends')?.value;
	if (Array.isArray(backends) && !backends.includes('disable_by_file')) return;
	const file = textOf(said('healthcheck.disable_by_file_path')?.value);
	if (file !== undefined) give('apiHealthDisableFile', file, 'healthcheck.disable_by_file_path', 'healthcheck.backends');
}

const DRIVER = 'oslo_messaging_notifications.driver';
const MESSAGING: readonly string[] = ['messagingv2', 'messaging'];
const QUIET: readonly string[] = ['', 'noop', 'log', ...MESSAGING];
/** Options that a transport URL can carry as well. */
const IN_URL = [
	'ssl',
	'ssl_ca_file',
	'ssl_cert_file',
	'ssl_key_file',
	'amqp_durable_queues',
	'amqp_auto_delete',
	'rabbit_quorum_queue',
];

/** Without a driver Glance tells nobody. */
export function translateNotifications(translation: Translation): void {
	const { said, value, give } = translation;
	const drivers = value(DRIVER) ?? [];
	const names = Array.isArray(drivers) ? drivers : [];
	const other = names.find((name) => !QUIET.includes(name));
	if (other !== undefined)
		throw new ConfigError(`${said(DRIVER)?.place}: "${other}" is none of messagingv2, messaging, log and noop`);
	give('notificationsLog', String(names.includes('log')), DRIVER);
	if (!names.some((name) => MESSAGING.includes(name))) return;
	const own = 'oslo_messaging_notifications.transport_url';
	const ref = said(own) === undefined ? 'DEFAULT.transport_url' : own;
	const refs = IN_URL.map((name) => `oslo_messaging_rabbit.${name}`).filter((name) => said(name) !== undefined);
	give('amqpUrl', withOptions(transportOf(ref, translation), refs, translation), ref, DRIVER, ...refs);
	give('amqpExchange', String(value('DEFAULT.control_exchange')), 'DEFAULT.control_exchange');
}

function transportOf(ref: string, { said, value }: Translation): string {
	const url = textOf(value(ref)) ?? 'rabbit://';
	if (!/^(rabbit|kombu):\/\//.test(url))
		throw new ConfigError(
			`${said(ref)?.place}: only rabbit:// is spoken; set SUNDOG_NOTIFICATIONS_AMQP_URL, or take the driver away`,
		);
	return /^\w+:\/\/$/.test(url) ? `${url}guest:guest@localhost:5672/` : url;
}

function withOptions(url: string, refs: readonly string[], { value }: Translation): string {
	const query = refs.map((ref) => `${ref.split('.')[1]}=${encodeURIComponent(String(value(ref)))}`).join('&');
	if (query === '') return url;
	return `${url}${url.includes('?') ? '&' : '?'}${query}`;
}
