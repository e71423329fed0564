/** Import and staging, the key manager, and the choice among several locations. */
import { honoured, later, meaningless, to, translated } from '../option.ts';
import { bool, bracketed, choice, dict, int, list, type OsloValue, text } from '../oslo-types.ts';

export const importOptions = [
	...honoured('image_import_opts', { image_import_plugins: to('importPlugins', bracketed) }),
	...honoured('image_import_opts', { max_parallel_stores: to('importParallelStores', int({ min: 1 })) }),
	...honoured('import_filtering_opts', {
		allowed_schemes: to('allowedSchemes', bracketed),
		disallowed_schemes: to('disallowedSchemes', bracketed),
		allowed_hosts: to('allowedHosts', bracketed),
		disallowed_hosts: to('disallowedHosts', bracketed),
		allowed_ports: to('allowedPorts', bracketed),
		disallowed_ports: to('disallowedPorts', bracketed),
	}),
	...honoured('inject_metadata_properties', {
		ignore_user_roles: to('importInjectIgnoreRoles', list),
		inject: to('importInject', dict, { as: pairsText }),
	}),
	...honoured('image_conversion', { output_format: to('importConversionFormat', choice('qcow2', 'raw', 'vmdk')) }),
	...honoured('glance_download_properties', { extra_properties: to('importExtraProperties', bracketed) }),
	...later('DEFAULT', 'locations are not encrypted, and the first one that works is taken', {
		metadata_encryption_key: text,
		location_strategy: choice('location_order', 'store_type'),
	}),
	...meaningless('DEFAULT', 'an image names the digest of its signature itself', { digest_algorithm: text }),
	...keyManagerOptions(),
	...later('store_type_location_strategy', 'the first location that works is taken', { store_type_preference: list }),
];

function pairsText(value: OsloValue): string {
	return value instanceof Map ? [...value].map(([name, text]) => `${name}:${text}`).join(', ') : '';
}

/** Of castellan: where the certificates of signed images are, and the keys of encrypted ones. */
function keyManagerOptions() {
	return [
		// where it is Barbican, whether there is one is seen from where callers come from
		...translated('key_manager', 'Barbican is the only key manager that is asked; a folder of certificates can stand beside it', {
			backend: {
				...to('barbican', text, { as: (value) => (isBarbican(String(value)) ? '' : 'false') }),
				formerly: ['key_manager.api_class'],
			},
		}),
		...honoured('barbican', {
			barbican_endpoint: to('barbicanUrl', text),
			barbican_endpoint_type: to('barbicanInterface', choice('public', 'internal', 'admin')),
			barbican_region_name: to('barbicanRegion', text),
			verify_ssl_path: to('barbicanCaFile', text),
			send_service_user_token: to('barbicanServiceToken', bool),
			verify_ssl: to('barbicanInsecure', bool, { as: (value) => String(value !== true) }),
		}),
		...meaningless('barbican', 'version 1 is spoken, with the tokens of callers as they are; nothing is created', {
			barbican_api_version: text,
			auth_endpoint: { type: text, formerly: ['key_manager.auth_url'] },
			retry_delay: int(),
			number_of_retries: int(),
		}),
	];
}

/** A short name, or the class as it was named once. */
function isBarbican(backend: string): boolean {
	return /(^|\.)barbican(_key_manager\.BarbicanKeyManager)?$/.test(backend);
}
