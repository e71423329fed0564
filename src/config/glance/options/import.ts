/** Import and staging, signatures, and the choice among several locations. */
import { honoured, later, to } from '../option.ts';
import { bracketed, choice, dict, int, list, text } from '../oslo-types.ts';

export const importOptions = [
	...later('image_import_opts', 'nothing is imported yet', {
		image_import_plugins: bracketed,
		max_parallel_stores: int({ min: 1 }),
	}),
	...honoured('import_filtering_opts', {
		allowed_schemes: to('allowedSchemes', bracketed),
		disallowed_schemes: to('disallowedSchemes', bracketed),
		allowed_hosts: to('allowedHosts', bracketed),
		disallowed_hosts: to('disallowedHosts', bracketed),
		allowed_ports: to('allowedPorts', bracketed),
		disallowed_ports: to('disallowedPorts', bracketed),
	}),
	...later('inject_metadata_properties', 'nothing is imported yet', { ignore_user_roles: list, inject: dict }),
	...later('image_conversion', 'nothing is converted yet', { output_format: choice('qcow2', 'raw', 'vmdk') }),
	...later('glance_download_properties', 'nothing is imported yet', { extra_properties: bracketed }),
	...later('DEFAULT', 'locations are not encrypted, and the first one that works is taken', {
		metadata_encryption_key: text,
		location_strategy: choice('location_order', 'store_type'),
	}),
	...later('DEFAULT', 'image signatures are not checked yet', { digest_algorithm: text }),
	...later('store_type_location_strategy', 'the first location that works is taken', { store_type_preference: list }),
];
