/** How a service says who it is to Keystone: the options of keystoneauth, in whatever group they stand. */
import { type GlanceOption, honoured, later, meaningless, translated, was } from '../option.ts';
import { bool, float, int, list, text } from '../oslo-types.ts';

export function credentialOptions(group: string): readonly GlanceOption[] {
	return [
		...honoured(group, {
			auth_type: was(text, `${group}.auth_plugin`),
			auth_section: text,
			auth_url: text,
			username: was(text, `${group}.user_name`),
			user_id: text,
			password: text,
			user_domain_id: text,
			user_domain_name: text,
			project_id: was(text, `${group}.tenant_id`),
			project_name: was(text, `${group}.tenant_name`),
			project_domain_id: text,
			project_domain_name: text,
			default_domain_id: text,
			default_domain_name: text,
			application_credential_id: text,
			application_credential_secret: text,
			region_name: text,
			cafile: text,
			insecure: bool,
		}),
		...translated(group, "limits are read under the system's scope, everything else under the project's", {
			system_scope: text,
			domain_id: text,
			domain_name: text,
		}),
		...later(group, 'Keystone is asked without it', {
			application_credential_name: text,
			trust_id: text,
			certfile: text,
			keyfile: text,
		}),
		...meaningless(group, 'the node speaks to Keystone at the address given, in its own way', {
			collect_timing: bool,
			split_loggers: bool,
			service_name: text,
			valid_interfaces: list,
			endpoint_override: text,
			version: text,
			min_version: text,
			max_version: text,
			connect_retries: int(),
			connect_retry_delay: float(),
			status_code_retries: int(),
			status_code_retry_delay: float(),
		}),
	];
}
