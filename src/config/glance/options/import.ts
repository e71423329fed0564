/** Import and staging, signatures, and the choice among several locations. */
import { honoured, later, to } from '../option.ts';
import { bracketed, choice, dict, int, list, type OsloValue, text } from '../oslo-types.ts';

export const importOptions = [
	...honoured('image_import_opts', { image_import_plugins: to('importPlugins', bracketed) }),
	...later('image_import_opts', 'nothing is imported yet', { max_parallel_stores: int({ min: 1 }) }),
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
	...later('glance_download_properties', 'nothing is imported yet', { extra_properties: bracketed }),
	...later('DEFAULT', 'locations are not encrypted, and the first one that works is taken', {
		metadata_encryption_key: text,
		location_strategy: choice('location_order', 'store_type'),
	}),
	...later('DEFAULT', 'image signatures are not checked yet', { digest_algorithm: text }),
	...later('store_type_location_strategy', 'the first location that works is taken', { store_type_preference: list }),
];

function pairsText(value: OsloValue): string {
	return value instanceof Map ? [...value].map(([name, text]) => `${name}:${text}`).join(', ') : '';
}
