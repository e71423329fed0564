/** Import plugins put together: the jail of their tools, and what they know of formats. Part of the composition root; it decides nothing. */
import { join } from 'node:path';
import { ImageError } from '#domain/errors.ts';
import { safeFormat } from '#domain/format-match.ts';
import { openJail } from '#imports/jail.ts';
import type { Inspect } from '#imports/plugins/image-conversion.ts';
import { importPlugins } from '#imports/plugins/index.ts';
import type { ImportPlugin } from '#imports/plugins/plugin.ts';
import { createInspector } from '#inspection/inspector.ts';
import type { Surroundings } from './surroundings.ts';

/** None is asked for: no tool is looked for either. */
export async function openPlugins({ config, log }: Surroundings): Promise<readonly ImportPlugin[]> {
	const { plugins, conversionFormat, inject, injectIgnoreRoles, maxExpandedBytes } = config.imports;
	if (plugins.length === 0) return [];
	const cap = config.quota.imageSizeCap;
	return importPlugins(plugins, {
		...{ conversionFormat, inject, injectIgnoreRoles },
		maxBytes: Math.min(maxExpandedBytes, cap < 0 ? maxExpandedBytes : cap),
		inspect: inspectBy(config.formats),
		jail: await openJail({ dir: join(config.dataDir, 'jail'), log }),
	});
}

export function inspectBy({ vmdkTypes, ...rules }: Surroundings['config']['formats']): Inspect {
	return async (bytes) => {
		const inspector = createInspector({ vmdkTypes });
		for await (const chunk of bytes) inspector.feed(chunk);
		try {
			return { format: safeFormat(inspector.finish(), { ...rules, maxVirtualSize: Number.POSITIVE_INFINITY }) };
		} catch (error) {
			if (error instanceof ImageError) return { format: 'raw', danger: error.message };
			throw error;
		}
	};
}
