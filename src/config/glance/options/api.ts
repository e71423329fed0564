/** The REST API, its limits, and what stands before it. */
import { GiB, KiB, MiB, TiB } from '#lib/sizes.ts';
import { honoured, later, meaningless, to, translated, was } from '../option.ts';
import { bool, bracketed, choice, int, list, type OsloValue, text } from '../oslo-types.ts';

/** Any number below zero is "no limit" there. */
const count = { as: (value: OsloValue) => String(Math.max(-1, Number(value))) };
/** 2^63 and what is near it is "no limit" in practice. */
const size = { as: (value: OsloValue) => String(Math.min(Number(value), Number.MAX_SAFE_INTEGER)) };

export const apiOptions = [
	...honoured('DEFAULT', {
		public_endpoint: to('apiPublicEndpoint', text),
		limit_param_default: { type: int({ min: 1 }), byDefault: '25' },
		api_limit_max: { type: int({ min: 1 }), byDefault: '1000' },
		max_request_id_length: to('apiMaxRequestIdLength', int({ min: 0 })),
		allow_additional_image_properties: to('apiAdditionalProperties', bool),
		show_image_direct_url: to('apiShowDirectUrl', bool),
		show_multiple_locations: to('apiShowMultipleLocations', bool),
		hashing_algorithm: to('hashAlgorithm', text),
		image_size_cap: to('imageSizeCap', int({ min: 1, max: 2 ** 63 }), size),
		user_storage_quota: to('quotaUserStorage', text, { as: (value) => String(storageOf(String(value))) }),
		image_property_quota: to('quotaImageProperties', int(), count),
		image_tag_quota: to('quotaImageTags', int(), count),
		image_member_quota: to('quotaImageMembers', int(), count),
		image_location_quota: to('quotaImageLocations', int(), count),
		image_cache_max_size: to('cacheMaxBytes', int({ min: 0 }), size),
		image_cache_stall_time: to('cacheStallMs', int({ min: 0 })),
	}),
	...translated('DEFAULT', 'the cache is the content store: it needs no folder and no driver, and every node fills its own', {
		image_cache_dir: text,
		image_cache_driver: choice('sqlite', 'xattr', 'centralized_db'),
		image_cache_sqlite_db: text,
		cache_prefetcher_interval: int({ min: 0 }),
	}),
	...meaningless('DEFAULT', 'nodes find one another by themselves', { worker_self_reference_url: text }),
	...meaningless('DEFAULT', 'Glance has removed it', {
		owner_is_tenant: bool,
		enable_v1_api: bool,
		enable_v2_api: bool,
		enable_v1_registry: bool,
		enable_v2_registry: bool,
		registry_host: text,
		registry_port: text,
		use_user_token: bool,
		data_api: text,
		admin_role: text,
		secure_proxy_ssl_header: text,
	}),
	...honoured('image_format', {
		disk_formats: to('apiDiskFormats', list, { formerly: ['DEFAULT.disk_formats'] }),
		container_formats: to('apiContainerFormats', list, { formerly: ['DEFAULT.container_formats'] }),
	}),
	...honoured('image_format', {
		vmdk_allowed_types: to('formatsVmdkTypes', list),
		require_image_format_match: to('formatsRequireMatch', bool),
		gpt_safety_checks_nonfatal: to('formatsGptNotFatal', list),
	}),
	...honoured('task', {
		task_time_to_live: to('tasksTimeToLiveHours', int({ min: 0 }), { formerly: ['DEFAULT.task_time_to_live'] }),
	}),
	...meaningless('task', 'tasks run in the node itself, and need no folder', {
		task_executor: text,
		work_dir: text,
		eventlet_executor_pool_size: int(),
	}),
	...honoured('cors', {
		allowed_origin: to('corsOrigins', list),
		allow_methods: to('corsMethods', list),
		allow_headers: to('corsAllowHeaders', list),
		expose_headers: to('corsExposeHeaders', list),
		max_age: to('corsMaxAge', int({ min: 0 })),
		allow_credentials: to('corsCredentials', bool),
	}),
	...honoured('healthcheck', { disable_by_file_path: text, backends: list }),
	...meaningless('healthcheck', 'the check is always at /healthcheck, brief, and for everybody', {
		path: text,
		detailed: bool,
		allowed_source_ranges: list,
		ignore_proxied_requests: bool,
	}),
	...later('healthcheck', 'only one file can take a node out of service yet', {
		disable_by_file_paths: list,
		enable_by_file_paths: list,
	}),
	...honoured('oslo_middleware', { enable_proxy_headers_parsing: to('apiProxyHeaders', bool) }),
	...meaningless('oslo_middleware', "no part of Glance's pipeline reads it", {
		max_request_body_size: was(int(), 'DEFAULT.osapi_max_request_body_size', 'DEFAULT.max_request_body_size'),
		secure_proxy_ssl_header: text,
		http_basic_auth_user_file: text,
	}),
	...honoured('DEFAULT', {
		delayed_delete: to('deleteDelayed', bool),
		scrub_time: to('deleteScrubAfterMs', int({ min: 0 })),
		do_secure_hash: to('locationsHash', bool),
	}),
	...meaningless('DEFAULT', 'a node scrubs by itself, one image after the other', {
		scrub_pool_size: int({ min: 1 }),
		wakeup_time: int({ min: 0 }),
	}),
	// an empty list takes importing away
	...honoured('DEFAULT', {
		enabled_import_methods: to('importMethods', bracketed, {
			as: (value) => (Array.isArray(value) && value.length > 0 ? value.join(',') : 'none'),
		}),
	}),
	...meaningless('DEFAULT', 'what is staged lies among all other contents of a node', { node_staging_uri: text }),
	...meaningless('DEFAULT', 'stores are asked again by rules of their own', { http_retries: int() }),
];

const UNITS: Readonly<Record<string, number>> = { B: 1, KB: KiB, MB: MiB, GB: GiB, TB: TiB };

/** `10GB`, in powers of 1024. */
function storageOf(text: string): number {
	const [, count, unit = 'B'] = /^(\d+)([KMGT]?B)?$/.exec(text) ?? [];
	if (count === undefined) throw new Error('a size such as 10GB is needed');
	return Math.min(Number(count) * (UNITS[unit] ?? 1), Number.MAX_SAFE_INTEGER);
}
