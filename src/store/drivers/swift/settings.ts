/** What an operator says of a Swift store, by Glance's names, and what follows from it. Talks to nobody. */
import { readFileSync } from 'node:fs';
import {
	choice,
	count,
	flag,
	ignored,
	list,
	maybeText,
	OptionError,
	type Parsed,
	parseOptions,
	type StoreOptions,
	text,
} from '#store/options.ts';
import { parseReferenceFile } from './reference-file.ts';
import { address, type Reference, referenceOf } from './references.ts';

/** Glance's "MB" of this driver: a thousand KiB. */
const GLANCE_MB = 1000 * 1024;
const MAX_FILE_BYTES = 1024 * 1024;

const OPTIONS = {
	swift_store_container: text('glance'),
	swift_store_large_object_size: count(5120, { min: 1 }),
	swift_store_large_object_chunk_size: count(200, { min: 1 }),
	swift_store_create_container_on_put: flag(false),
	swift_store_multi_tenant: flag(false),
	swift_store_multiple_containers_seed: count(0, { max: 32 }),
	swift_store_admin_tenants: list,
	swift_store_auth_insecure: flag(false),
	swift_store_cacert: maybeText,
	swift_store_region: maybeText,
	swift_store_endpoint: maybeText,
	swift_store_endpoint_type: choice('publicURL', 'internalURL', 'adminURL'),
	swift_store_service_type: text('object-store'),
	swift_store_expire_soon_interval: count(60, { max: 86_400 }),
	default_swift_reference: text('ref1'),
	swift_store_config_file: maybeText,
	swift_store_auth_version: choice('3', '2', '1'),
	swift_store_auth_address: maybeText,
	swift_store_user: maybeText,
	swift_store_key: maybeText,
	swift_store_application_credential_id: maybeText,
	swift_store_application_credential_secret: maybeText,
	swift_store_project_name: maybeText,
	swift_store_project_id: maybeText,
	swift_store_ssl_compression: ignored,
	swift_store_retry_get_count: ignored,
	swift_store_use_trusts: ignored,
	swift_buffer_on_upload: ignored,
	swift_upload_buffer_dir: ignored,
};

export interface SwiftSettings {
	readonly container: string;
	/** bytes: an object as long as this, or longer, is written in segments */
	readonly largeObjectBytes: number;
	/** bytes of a segment */
	readonly segmentBytes: number;
	readonly createContainer: boolean;
	readonly multiTenant: boolean;
	/** hex digits of a key that choose its container */
	readonly seed: number;
	/** ids of projects that may write, in images' owners' accounts */
	readonly adminProjects: readonly string[];
	readonly insecure: boolean;
	readonly caFile: string | undefined;
	readonly region: string | undefined;
	/** instead of the catalogue's, without a slash at the end */
	readonly endpoint: string | undefined;
	readonly endpointInterface: string;
	readonly serviceType: string;
	/** a token is renewed when less is left of it */
	readonly renewAheadMs: number;
	/** the one that is written with */
	readonly reference: Reference;
	/** by name, this one among them */
	readonly references: ReadonlyMap<string, Reference>;
}

/** Throws `OptionError`. */
export function readSettings(options: StoreOptions): SwiftSettings {
	const said = parseOptions(OPTIONS, options);
	const references = said.swift_store_config_file === undefined ? referencesOfOptions(said) : referencesOfFile(said);
	const reference = references.get(said.default_swift_reference);
	if (reference === undefined)
		throw new OptionError(`option default_swift_reference: the file has no section ${said.default_swift_reference}`);
	if (said.swift_store_large_object_chunk_size > said.swift_store_large_object_size)
		throw new OptionError('option swift_store_large_object_chunk_size: it is more than swift_store_large_object_size');
	if (!/^[^/]{1,200}$/.test(said.swift_store_container))
		throw new OptionError('option swift_store_container: a name has no slash, and at most 200 letters');
	return {
		container: said.swift_store_container,
		largeObjectBytes: said.swift_store_large_object_size * GLANCE_MB,
		segmentBytes: said.swift_store_large_object_chunk_size * GLANCE_MB,
		createContainer: said.swift_store_create_container_on_put,
		multiTenant: said.swift_store_multi_tenant,
		seed: said.swift_store_multiple_containers_seed,
		adminProjects: said.swift_store_admin_tenants,
		insecure: said.swift_store_auth_insecure,
		caFile: said.swift_store_cacert,
		region: said.swift_store_region,
		endpoint: said.swift_store_endpoint && address(said.swift_store_endpoint, 'option swift_store_endpoint'),
		endpointInterface: said.swift_store_endpoint_type.replace(/URL$/, ''),
		serviceType: said.swift_store_service_type,
		renewAheadMs: said.swift_store_expire_soon_interval * 1000,
		reference,
		references,
	};
}

/** What Glance shows of such a store. */
export function shownProperties(options: StoreOptions): Readonly<Record<string, unknown>> {
	const said = parseOptions(OPTIONS, options);
	return {
		container: said.swift_store_container,
		large_object_size: said.swift_store_large_object_size * GLANCE_MB,
		large_object_chunk_size: said.swift_store_large_object_chunk_size * GLANCE_MB,
	};
}

type Said = Parsed<typeof OPTIONS>;

function referencesOfOptions(said: Said): ReadonlyMap<string, Reference> {
	const section: Record<string, string | undefined> = {
		user: said.swift_store_user,
		key: said.swift_store_key,
		auth_address: said.swift_store_auth_address,
		application_credential_id: said.swift_store_application_credential_id,
		application_credential_secret: said.swift_store_application_credential_secret,
	};
	const name = said.default_swift_reference;
	return new Map([[name, referenceOf(name, section, said.swift_store_auth_version, (each) => `option swift_store_${each}`)]]);
}

function referencesOfFile(said: Said): ReadonlyMap<string, Reference> {
	const file = said.swift_store_config_file ?? '';
	if (said.swift_store_multi_tenant)
		throw new OptionError('options swift_store_multi_tenant and swift_store_config_file exclude each other');
	const sections = [...parseReferenceFile(readText(file))];
	const where = (name: string) => (option: string) => `option swift_store_config_file: section ${name}: ${option}`;
	return new Map(
		sections.map(([name, section]) => {
			if (!/^[\w.-]{1,64}$/.test(name)) throw new OptionError('option swift_store_config_file: a section has an odd name');
			return [name, referenceOf(name, section, section.auth_version ?? said.swift_store_auth_version, where(name))];
		}),
	);
}

function readText(file: string): string {
	try {
		const bytes = readFileSync(file);
		if (bytes.length <= MAX_FILE_BYTES) return bytes.toString();
	} catch (error) {
		throw new OptionError(`option swift_store_config_file: ${(error as NodeJS.ErrnoException).code}`);
	}
	throw new OptionError('option swift_store_config_file: the file is too long');
}
