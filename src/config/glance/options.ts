/** The list of what Glance can be told: 25.1 (Zed) and the newest, with the libraries that read the same files. */
import type { Fate, GlanceOption } from './option.ts';
import { accessOptions } from './options/access.ts';
import { apiOptions } from './options/api.ts';
import { importOptions } from './options/import.ts';
import { serviceOptions } from './options/service.ts';
import { singleStoreOptions } from './options/stores.ts';

export const options: readonly GlanceOption[] = [
	...apiOptions,
	...accessOptions,
	...serviceOptions,
	...importOptions,
	...singleStoreOptions,
];

/** Groups of which no option can mean anything here, or none does yet. Their values are not even read. */
export const WHOLE_GROUPS: Readonly<Record<string, { readonly fate: Fate; readonly says: string }>> = {
	database: { fate: 'meaningless', says: 'records are in the data directory; there is no database server' },
	profiler: { fate: 'meaningless', says: 'there is no osprofiler' },
	oslo_concurrency: { fate: 'meaningless', says: 'no lock is shared between processes' },
	oslo_reports: { fate: 'meaningless', says: 'there are no Guru Meditation Reports' },
	oslo_messaging_metrics: { fate: 'meaningless', says: 'it measures oslo.messaging itself' },
	oslo_messaging_amqp: { fate: 'meaningless', says: 'AMQP 1.0 is not spoken' },
	oslo_messaging_kafka: { fate: 'meaningless', says: 'Kafka is not spoken' },
	oslo_versionedobjects: { fate: 'meaningless', says: 'there are no such objects' },
	audit_middleware_notifications: { fate: 'meaningless', says: 'there is no audit middleware' },
	taskflow_executor: { fate: 'meaningless', says: 'tasks do not run in TaskFlow' },
	wsgi: { fate: 'meaningless', says: 'the server is not a WSGI server' },
	key_manager: { fate: 'meaningless', says: "callers' own tokens open their certificates and delete their keys" },
	barbican: { fate: 'meaningless', says: 'nobody reads it: the connection is described by verify_ssl and verify_ssl_path' },
	barbican_service_user: {
		fate: 'meaningless',
		says: "the node's own credential is that of [keystone_authtoken], for Barbican too",
	},
	vault: { fate: 'meaningless', says: 'Vault is not asked: certificates can be put into a folder, keys of deleted images stay' },
	os_brick: { fate: 'meaningless', says: 'os-brick is not used' },
	privsep_osbrick: { fate: 'meaningless', says: 'os-brick is not used' },
};
