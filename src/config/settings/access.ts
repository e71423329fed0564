/** Who may use the REST API. */
import { AUTH_MODES, type AuthConfig, type AuthMode } from '../config.ts';
import { parseNetworks, parseToken } from '../parse.ts';
import { parseBoolean, parseOneOf } from '../parse-values.ts';
import { many, one, type Refuse, secret, type Values } from './setting.ts';

export const accessSettings = {
	auth: one(
		{
			key: 'auth',
			hint: AUTH_MODES.join('|'),
			help: 'who may use the REST API; `none` only where every listener is loopback',
			byDefault: 'keystone if one is named; none if every listener is loopback and there is no admin token; else token',
		},
		parseOneOf(AUTH_MODES),
	),
	adminToken: secret(
		{
			key: 'admin_token',
			hint: 'token',
			help: 'what clients send as X-Auth-Token',
			byDefault: 'with `token` one is made, kept in `admin-token` of the data directory and said once',
		},
		parseToken,
	),
	trustedProxies: many(
		{
			key: 'trusted_proxies',
			hint: 'address or CIDR,…',
			help: 'with `proxy`: whose identity headers (X-User-Id, X-Roles …) are believed',
			byDefault: 'none',
		},
		parseNetworks,
	),
	anonymousRead: one(
		{ key: 'anonymous_read', hint: 'true|false', help: 'without a token public images can be read', byDefault: 'false' },
		parseBoolean,
	),
} as const;

/** What of the other settings decides who may use the API. */
interface Surroundings {
	/** listeners that somebody outside this machine can reach */
	readonly open: readonly string[];
	readonly hasKeystone: boolean;
}

export function authOf(
	values: Values<typeof accessSettings>,
	refuse: Refuse<typeof accessSettings>,
	around: Surroundings,
): AuthConfig {
	const { adminToken, trustedProxies = [], anonymousRead = false } = values;
	const mode = values.auth ?? defaultMode(around, adminToken);
	if (mode === 'none' && around.open.length > 0)
		refuse(
			'auth',
			`"none" is refused because ${around.open.join(', ')} can be reached from outside; use "token", or listen on loopback only`,
		);
	if (mode === 'keystone' && !around.hasKeystone)
		refuse('auth', '"keystone" needs a Keystone: set SUNDOG_KEYSTONE_URL and a credential');
	if (mode === 'proxy' && trustedProxies.length === 0)
		refuse('auth', '"proxy" needs SUNDOG_TRUSTED_PROXIES, the addresses whose identity headers are believed');
	return { mode, ...(adminToken !== undefined && mode !== 'none' && { adminToken }), trustedProxies, anonymousRead };
}

function defaultMode({ open, hasKeystone }: Surroundings, adminToken: string | undefined): AuthMode {
	if (hasKeystone) return 'keystone';
	return open.length === 0 && adminToken === undefined ? 'none' : 'token';
}
