/** Stores: which there are, and the options of each type, which stand in a group of the store's own name. */
import { type GlanceOption, honoured, meaningless, was } from '../option.ts';
import { bool, choice, dict, host, int, list, multi, type OsloType, text } from '../oslo-types.ts';

type Specs = Parameters<typeof honoured>[1];

const count = int({ min: 1 });
const natural = int({ min: 0 });

const file: Specs = {
	filesystem_store_datadirs: multi,
	filesystem_store_metadata_file: text,
	filesystem_store_file_perm: int(),
	filesystem_store_chunk_size: count,
	filesystem_thin_provisioning: bool,
	filesystem_store_timeout: natural,
	filesystem_store_thread_pool_size: count,
	filesystem_store_threadpool_threshold: int({ min: 0, max: 100 }),
};

const http: Specs = { https_ca_certificates_file: text, https_insecure: bool, http_proxy_information: dict };

const rbd: Specs = {
	rbd_store_chunk_size: count,
	rbd_store_pool: text,
	rbd_store_user: text,
	rbd_store_ceph_conf: text,
	rados_connect_timeout: int(),
	rbd_thin_provisioning: bool,
};

const WHEN = choice('when_required', 'when_supported');

const s3: Specs = {
	s3_store_host: text,
	s3_store_region_name: text,
	s3_store_access_key: text,
	s3_store_secret_key: text,
	s3_store_bucket: text,
	s3_store_create_bucket_on_put: bool,
	s3_store_bucket_url_format: text,
	s3_store_large_object_size: int(),
	s3_store_large_object_chunk_size: int(),
	s3_store_thread_pools: int(),
	s3_store_cacert: text,
	s3_store_enable_data_integrity_protection: bool,
	s3_store_request_checksum_calculation: WHEN,
	s3_store_response_checksum_validation: WHEN,
};

const swift: Specs = {
	swift_store_auth_insecure: bool,
	swift_store_cacert: text,
	swift_store_region: text,
	swift_store_endpoint: text,
	swift_store_endpoint_type: choice('publicURL', 'adminURL', 'internalURL'),
	swift_store_service_type: text,
	swift_store_container: text,
	swift_store_large_object_size: count,
	swift_store_large_object_chunk_size: count,
	swift_store_create_container_on_put: bool,
	swift_store_multi_tenant: bool,
	swift_store_multiple_containers_seed: int({ min: 0, max: 32 }),
	swift_store_admin_tenants: list,
	swift_store_ssl_compression: bool,
	swift_store_retry_get_count: natural,
	swift_store_expire_soon_interval: natural,
	swift_store_use_trusts: bool,
	swift_buffer_on_upload: bool,
	swift_upload_buffer_dir: text,
	default_swift_reference: text,
	swift_store_auth_version: text,
	swift_store_auth_address: text,
	swift_store_user: text,
	swift_store_key: text,
	swift_store_config_file: text,
	swift_store_application_credential_id: text,
	swift_store_application_credential_secret: text,
	swift_store_project_name: text,
	swift_store_project_id: text,
};

const cinder = (group: string): Specs => ({
	cinder_catalog_info: text,
	cinder_endpoint_template: text,
	cinder_os_region_name: was(text, `${group}.os_region_name`),
	cinder_ca_certificates_file: text,
	cinder_http_retries: natural,
	cinder_state_transition_timeout: natural,
	cinder_api_insecure: bool,
	cinder_store_auth_address: text,
	cinder_store_user_name: text,
	cinder_store_user_domain_name: text,
	cinder_store_password: text,
	cinder_store_project_name: text,
	cinder_store_project_domain_name: text,
	cinder_store_application_credential_id: text,
	cinder_store_application_credential_secret: text,
	rootwrap_config: text,
	cinder_volume_type: text,
	cinder_enforce_multipath: bool,
	cinder_use_multipath: bool,
	cinder_mount_point_base: text,
	cinder_do_extend_attached: bool,
	cinder_attachment_retry_attempts: count,
});

const vmware = (group: string): Specs => ({
	vmware_server_host: host,
	vmware_server_username: text,
	vmware_server_password: text,
	vmware_api_retry_count: count,
	vmware_task_poll_interval: count,
	vmware_store_image_dir: text,
	vmware_insecure: was(bool, `${group}.vmware_api_insecure`),
	vmware_ca_file: text,
	vmware_datastores: multi,
});

/** Where Glance keeps images when nobody says otherwise. */
const datadir: { readonly type: OsloType; readonly byDefault: string } = { type: text, byDefault: '/var/lib/glance/images' };

const sheepdog: Specs = { sheepdog_store_chunk_size: count, sheepdog_store_port: count, sheepdog_store_address: text };

const DRIVERS: Readonly<Record<string, (group: string) => Specs>> = {
	file: () => ({ ...file, filesystem_store_datadir: datadir }),
	http: () => http,
	rbd: () => rbd,
	s3: () => s3,
	swift: () => swift,
	cinder,
	vmware,
	sheepdog: () => sheepdog,
};

/** What stands in a store's group: `reserved` is one of the two that Glance adds for itself. */
export type StoreRole = 'own' | 'reserved';

/** Options of one type that a store can be given, by their names. */
export function optionNames(type: string): readonly string[] {
	return Object.hasOwn(DRIVERS, type) ? Object.keys(DRIVERS[type]?.('') ?? {}) : [];
}

/** The options of one store of `enabled_backends`; of an unknown type it has only the common ones. */
export function storeOptions(group: string, type: string, role: StoreRole): readonly GlanceOption[] {
	const common = { store_description: text, weight: int() };
	if (role === 'reserved')
		return meaningless(group, 'what is staged, and what tasks work with, is in the data directory', {
			...file,
			filesystem_store_datadir: text,
			...common,
		});
	return honoured(group, { ...(Object.hasOwn(DRIVERS, type) ? DRIVERS[type]?.(group) : {}), ...common });
}

/** Of all types together: in [glance_store] for the one store of each, in [backend_defaults] for what its stores leave unsaid. */
export const singleStoreOptions = [
	...honoured('DEFAULT', { enabled_backends: dict }),
	...honoured('glance_store', {
		default_backend: text,
		stores: { type: list, byDefault: 'file,http' },
		default_store: { type: text, byDefault: 'file' },
	}),
	...Object.values(DRIVERS).flatMap((specs) => honoured('glance_store', specs('glance_store'))),
	...Object.values(DRIVERS).flatMap((specs) => honoured('backend_defaults', specs('backend_defaults'))),
];
