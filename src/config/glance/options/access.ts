/** Who may do what: the pipeline, Keystone, limits kept there, rules. */
import { honoured, later, meaningless, to, translated, was } from '../option.ts';
import { bool, choice, float, int, list, multi, text } from '../oslo-types.ts';
import { credentialOptions } from './credential.ts';

const MAX_TOKEN_CACHE_S = 300;

export const accessOptions = [
	...honoured('paste_deploy', { flavor: text }),
	...translated('paste_deploy', 'the flavor alone decides; pipelines are not read', { config_file: text }),
	...honoured('DEFAULT', {
		allow_anonymous_access: to('anonymousRead', bool),
		enforce_secure_rbac: bool,
		use_keystone_limits: to('unifiedLimits', bool),
		property_protection_file: text,
		property_protection_rule_format: to('propertyProtectionFormat', choice('roles', 'policies')),
	}),
	...credentialOptions('keystone_authtoken'),
	...honoured('keystone_authtoken', {
		www_authenticate_uri: to('keystonePublicUrl', text, { formerly: ['keystone_authtoken.auth_uri'] }),
		service_token_roles: to('keystoneServiceTokenRoles', list),
		service_token_roles_required: to('keystoneServiceTokenRolesRequired', bool),
		service_type: to('keystoneServiceType', text),
	}),
	...translated('keystone_authtoken', 'for the whole request; at most 300 s', {
		http_connect_timeout: to('keystoneTimeoutMs', int({ min: 0 }), {
			as: (value) => String(Math.min(300, Math.max(0.1, Number(value)))),
		}),
	}),
	...translated('keystone_authtoken', 'at most 300 s; -1 is 0', {
		token_cache_time: to('keystoneTokenCacheMs', int(), {
			as: (value) => String(Math.min(MAX_TOKEN_CACHE_S, Math.max(0, Number(value)))),
		}),
	}),
	...meaningless('keystone_authtoken', 'validated tokens are kept in the memory of the node', {
		cache: text,
		memcached_servers: was(list, 'keystone_authtoken.memcache_servers'),
		memcache_security_strategy: text,
		memcache_secret_key: text,
		memcache_pool_dead_retry: int(),
		memcache_pool_maxsize: int(),
		memcache_pool_socket_timeout: int(),
		memcache_pool_unused_timeout: int(),
		memcache_pool_conn_get_timeout: int(),
		memcache_use_advanced_pool: bool,
		memcache_tls_enabled: bool,
		memcache_tls_cafile: text,
		memcache_tls_certfile: text,
		memcache_tls_keyfile: text,
		memcache_tls_allowed_ciphers: text,
		memcache_sasl_enabled: bool,
		memcache_username: text,
		memcache_password: text,
	}),
	...meaningless('keystone_authtoken', 'tokens are validated in one way, by Keystone v3', {
		auth_version: text,
		interface: text,
		delay_auth_decision: bool,
		http_request_max_retries: int(),
		include_service_catalog: bool,
		enforce_token_bind: text,
		timeout: int(),
	}),
	...credentialOptions('oslo_limit'),
	...translated('oslo_limit', 'Keystone is spoken to as [keystone_authtoken] says', {
		auth_url: text,
		cafile: text,
		insecure: bool,
	}),
	...honoured('oslo_limit', {
		endpoint_id: to('unifiedLimitsEndpointId', text),
		endpoint_service_name: to('unifiedLimitsServiceName', text),
		endpoint_region_name: text,
	}),
	...meaningless('oslo_limit', 'the node finds its service by name, or by `keystone.service_type`', {
		endpoint_service_type: text,
		endpoint_interface: text,
		service_type: text,
		timeout: int(),
	}),
	...honoured('oslo_policy', {
		enforce_new_defaults: { type: bool, byDefault: 'true' },
		enforce_scope: to('policyEnforceScope', bool),
		policy_file: { ...was(text, 'DEFAULT.policy_file'), byDefault: 'policy.yaml' },
		policy_default_rule: to('policyDefaultRule', text, { formerly: ['DEFAULT.policy_default_rule'] }),
		policy_dirs: was(multi, 'DEFAULT.policy_dirs'),
	}),
	...later(
		'oslo_policy',
		'`http:` checks fail unless SUNDOG_POLICY_REMOTE_CHECKS is set, and then use no certificate of their own',
		{
			remote_content_type: choice('application/x-www-form-urlencoded', 'application/json'),
			remote_ssl_verify_server_crt: bool,
			remote_ssl_ca_crt_file: text,
			remote_ssl_client_crt_file: text,
			remote_ssl_client_key_file: text,
			remote_timeout: float({ min: 0 }),
		},
	),
];
