/** Quota put together: the configured limits, and Keystone's where they are asked for. Part of the composition root. */
import type { LocalCatalogue } from '#catalogue/catalogue.ts';
import type { KeystoneConfig, UnifiedLimitsConfig } from '#config/config.ts';
import type { Quota } from '#domain/ports/quota.ts';
import { createKeystone } from '#keystone/keystone.ts';
import type { Keystone } from '#keystone/ports.ts';
import { createKeystoneLimits } from '#quota/keystone-limits.ts';
import type { UnifiedLimits } from '#quota/ports.ts';
import { createQuota } from '#quota/quota.ts';
import type { Surroundings } from './surroundings.ts';

export function openQuota(around: Surroundings, catalogue: LocalCatalogue, keystone: Keystone | undefined): Quota {
	const { quota, keystone: settings } = around.config;
	const { overshoot, unifiedLimits } = quota;
	const parts = { catalogue, limits: quota, overshoot };
	if (unifiedLimits === undefined) return createQuota(parts);
	if (keystone === undefined || settings === undefined) throw new TypeError('unified limits without keystone');
	return createQuota({ ...parts, unified: openUnifiedLimits(around, unifiedLimits, settings, keystone) });
}

/** By a user of their own where one is named: reading limits needs a role on the system. */
function openUnifiedLimits(
	{ log, stack }: Surroundings,
	{ credential, endpointId, serviceName, region }: UnifiedLimitsConfig,
	settings: KeystoneConfig,
	keystone: Keystone,
): UnifiedLimits {
	const reader = credential && stack.use(createKeystone({ ...settings, credential, clock: Date.now, log }));
	const whose = {
		serviceType: settings.serviceType,
		...(endpointId !== undefined && { endpointId }),
		...(serviceName !== undefined && { serviceName }),
		...(region !== undefined && { region }),
	};
	return stack.use(createKeystoneLimits({ keystone: reader ?? keystone, whose, log }));
}
