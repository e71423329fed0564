/** The effective settings for people and logs: every secret replaced by the fact that there is one. */
import type { Config } from './config.ts';

const HIDDEN = '(set)';

export function describeConfig(config: Config): object {
	const { join, auth, ...rest } = config;
	return {
		...rest,
		...(join === undefined ? {} : { join: HIDDEN }),
		auth: auth.adminToken === undefined ? auth : { ...auth, adminToken: HIDDEN },
	};
}
