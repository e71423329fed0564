/** `inject_image_metadata`: the operator's properties on what users import; some roles are left alone. */
import type { ImportPlugin } from './plugin.ts';

export interface InjectMetadataOptions {
	readonly inject: Readonly<Record<string, string>>;
	/** compared without regard to case, as policy does */
	readonly ignoreRoles: readonly string[];
}

/** Names that tasks keep their own notes under. */
const RESERVED = 'os_glance';

export function injectImageMetadata({ inject, ignoreRoles }: InjectMetadataOptions): ImportPlugin {
	const properties = Object.fromEntries(Object.entries(inject).filter(([name]) => !name.startsWith(RESERVED)));
	const ignored = new Set(ignoreRoles.map((role) => role.toLowerCase()));
	return {
		async run({ roles }) {
			const isIgnored = roles.some((role) => ignored.has(role.toLowerCase()));
			return isIgnored || Object.keys(properties).length === 0 ? {} : { changes: { properties } };
		},
	};
}
