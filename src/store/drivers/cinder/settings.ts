/** Glance's options of a Cinder store, read once. */
import {
	choice,
	count,
	flag,
	ignored,
	maybeText,
	needed,
	OptionError,
	parseOptions,
	type StoreOptions,
	text,
} from '#store/options.ts';

export interface CinderSettings {
	/** Keystone's, without version and slash */
	readonly authAddress: string;
	/** body of a login */
	readonly auth: object;
	readonly endpointTemplate: string | undefined;
	readonly catalog: { readonly type: string; readonly name: string; readonly face: string };
	readonly region: string | undefined;
	readonly caFile: string | undefined;
	readonly insecure: boolean;
	/** of requests that may be repeated, when there is no answer */
	readonly retries: number;
	readonly transitionMs: number;
	readonly volumeType: string | undefined;
	/** ceph.conf with a keyring for the user that Cinder names */
	readonly cephConf: string | undefined;
	/** how often an attachment is asked for in all */
	readonly attachTries: number;
}

const OPTIONS = {
	cinder_catalog_info: text('volumev3::publicURL'),
	cinder_endpoint_template: maybeText,
	cinder_os_region_name: maybeText,
	cinder_ca_certificates_file: maybeText,
	cinder_http_retries: count(3, { max: 100 }),
	cinder_state_transition_timeout: count(300, { min: 1, max: 86_400 }),
	cinder_api_insecure: flag(false),
	cinder_store_auth_address: needed,
	cinder_store_user_name: maybeText,
	cinder_store_user_domain_name: text('Default'),
	cinder_store_password: maybeText,
	cinder_store_project_name: maybeText,
	cinder_store_project_domain_name: text('Default'),
	cinder_store_application_credential_id: maybeText,
	cinder_store_application_credential_secret: maybeText,
	cinder_volume_type: maybeText,
	cinder_attachment_retry_attempts: count(5, { min: 1, max: 100 }),
	cinder_rbd_ceph_conf: maybeText,
	cinder_use_multipath: flag(false),
	cinder_do_extend_attached: choice('false', 'true', 'False', 'True'),
	cinder_enforce_multipath: ignored,
	cinder_mount_point_base: ignored,
	rootwrap_config: ignored,
};

export function settingsOf(options: StoreOptions): CinderSettings {
	const said = parseOptions(OPTIONS, options);
	return {
		authAddress: addressIn(said.cinder_store_auth_address, 'cinder_store_auth_address').replace(/\/v\d+(\.\d+)?$/, ''),
		auth: authOf(said),
		endpointTemplate: said.cinder_endpoint_template && addressIn(said.cinder_endpoint_template, 'cinder_endpoint_template'),
		catalog: catalogOf(said.cinder_catalog_info),
		region: said.cinder_os_region_name,
		caFile: said.cinder_ca_certificates_file,
		insecure: said.cinder_api_insecure,
		retries: said.cinder_http_retries,
		transitionMs: said.cinder_state_transition_timeout * 1000,
		volumeType: said.cinder_volume_type,
		cephConf: said.cinder_rbd_ceph_conf,
		attachTries: said.cinder_attachment_retry_attempts,
	};
}

/** `properties` of `GET /v2/info/stores/detail`. */
export function propertiesOf(options: StoreOptions): Readonly<Record<string, unknown>> {
	const { cinder_volume_type, cinder_use_multipath } = parseOptions(OPTIONS, options);
	return { volume_type: cinder_volume_type ?? null, use_multipath: cinder_use_multipath };
}

type Said = ReturnType<typeof parseOptions<typeof OPTIONS>>;

function authOf(said: Said): object {
	const id = said.cinder_store_application_credential_id;
	const secret = said.cinder_store_application_credential_secret;
	if (id !== undefined && secret !== undefined)
		return { identity: { methods: ['application_credential'], application_credential: { id, secret } } };
	const both = ['cinder_store_application_credential_id', 'cinder_store_application_credential_secret'] as const;
	const [half] = both.filter((name) => said[name] === undefined);
	if (id !== undefined || secret !== undefined) throw new OptionError(`option ${half} is needed`);
	for (const name of ['cinder_store_user_name', 'cinder_store_password', 'cinder_store_project_name'] as const)
		if (said[name] === undefined) throw new OptionError(`option ${name} is needed, or an application credential`);
	const user = {
		name: said.cinder_store_user_name,
		domain: { name: said.cinder_store_user_domain_name },
		password: said.cinder_store_password,
	};
	const project = { name: said.cinder_store_project_name, domain: { name: said.cinder_store_project_domain_name } };
	return { identity: { methods: ['password'], password: { user } }, scope: { project } };
}

const FACES: Readonly<Record<string, string>> = {
	publicURL: 'public',
	internalURL: 'internal',
	adminURL: 'admin',
	public: 'public',
	internal: 'internal',
	admin: 'admin',
};

function catalogOf(info: string): CinderSettings['catalog'] {
	const [type = '', name = '', said = '', ...more] = info.split(':');
	const face = Object.hasOwn(FACES, said) ? FACES[said] : undefined;
	if (type === '' || face === undefined || more.length > 0)
		throw new OptionError(`option cinder_catalog_info: "${info}" is not <type>:<name>:<publicURL, internalURL or adminURL>`);
	return { type, name, face };
}

function addressIn(value: string, name: string): string {
	if (!/^https?:\/\/[^\s/@]+/.test(value))
		throw new OptionError(`option ${name} is no http or https address without credentials`);
	return value.replace(/\/+$/, '');
}
