/** Where the node listens, what it tells, what it keeps. */
import { ConfigError } from '#config/config.ts';
import { formatAddress } from '#config/parse.ts';
import { normalGroup } from '../ini.ts';
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

/** The default store's folder, when it is a file store: Sundog then keeps images where Glance does. */
export function translateStore(translation: Translation): void {
	const { said, value } = translation;
	const backends = said('DEFAULT.enabled_backends')?.value;
	if (!(backends instanceof Map)) {
		const stores = value('glance_store.stores');
		const isFile = ['file', 'filesystem'].includes(String(value('glance_store.default_store')));
		if (isFile && Array.isArray(stores) && stores.includes('file'))
			giveFolder('glance_store', translation, 'glance_store.default_store');
		return;
	}
	const name = textOf(value('glance_store.default_backend'));
	const place = said('DEFAULT.enabled_backends')?.place;
	if (name === undefined) throw new ConfigError(`${place}: [glance_store] default_backend must name one of the stores`);
	const type = backends.get(name);
	if (type === undefined)
		throw new ConfigError(`${said('glance_store.default_backend')?.place}: "${name}" is not in enabled_backends`);
	if (type === 'file') giveFolder(normalGroup(name), translation, 'glance_store.default_backend', 'DEFAULT.enabled_backends');
}

/** Of several folders Glance fills the first with room; Sundog keeps one, the one of highest priority. */
function giveFolder(group: string, { said, value, give }: Translation, ...refs: readonly string[]): void {
	const many = said(`${group}.filesystem_store_datadirs`);
	const single = said(`${group}.filesystem_store_datadir`);
	if (many !== undefined && single !== undefined)
		throw new ConfigError(`${many.place}: it cannot stand beside filesystem_store_datadir`);
	if (many !== undefined && Array.isArray(many.value))
		give('storeFileDir', bestOf(many.value), `${group}.filesystem_store_datadirs`, ...refs);
	else give('storeFileDir', String(value(`${group}.filesystem_store_datadir`)), `${group}.filesystem_store_datadir`, ...refs);
}

function bestOf(folders: readonly string[]): string {
	const ranked = folders.map((folder) => {
		const [, path = folder, priority = '0'] = /^(.*?)(?::(\d+))?$/.exec(folder) ?? [];
		return { path, priority: Number(priority) };
	});
	return ranked.sort((a, b) => b.priority - a.priority)[0]?.path ?? '';
}
