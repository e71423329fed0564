/** The server under test, on equal terms with the reference: the same Keystone, and the same reading of the rules. */

import { DEFAULT_API } from '#http/api-options.ts';
import { createKeystoneIdentity } from '#identity/keystone.ts';
import { createKeystone } from '#keystone/keystone.ts';
import { silentLog } from '#lib/log.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { startApi } from '../../support/api-server.ts';
import { testSite } from '../../support/onion.ts';
import type { ReferenceCloud } from '../../support/reference.ts';

export interface Sundog extends AsyncDisposable {
	readonly url: string;
}

export async function startSundog(cloud: ReferenceCloud): Promise<Sundog> {
	const keystone = createKeystone({
		url: cloud.keystone,
		credential: {
			kind: 'password',
			username: { name: 'glance' },
			password: 'glance-pw',
			userDomain: { name: 'Default' },
			project: { name: 'service' },
			projectDomain: { name: 'Default' },
		},
		timeoutMs: 10_000,
		insecure: false,
		clock: Date.now,
		log: silentLog,
	});
	const identity = createKeystoneIdentity({
		keystone,
		publicUrl: cloud.keystone,
		tokenCacheMs: 60_000,
		serviceTokenRoles: ['service'],
		serviceTokenRolesRequired: true,
		serviceType: 'image',
		anonymousRead: false,
		clock: Date.now,
		log: silentLog,
	});
	const isNew = cloud.glanceOption('enforce_new_defaults') === 'true';
	const policy = createRulePolicy({ log: silentLog, enforceNewDefaults: isNew, enforceScope: isNew });
	const site = await testSite({ policy });
	const isAdmin = (ctx: Parameters<typeof policy.allows>[0]) => policy.allows(ctx, 'context_is_admin', {});
	const api = await startApi({ site, identity, isAdmin, api: { ...DEFAULT_API, refuseAstral: true } });
	return {
		url: api.url,
		async [Symbol.asyncDispose]() {
			await api[Symbol.asyncDispose]();
			keystone[Symbol.dispose]();
		},
	};
}
