/** The register of import plugins, by the names that Glance's operators know: a plugin is one file and one line here. */
import type { Jail } from '#imports/jail.ts';
import type { OutputFormat } from '#imports/qemu-img.ts';
import { type Inspect, imageConversion } from './image-conversion.ts';
import { imageDecompression } from './image-decompression.ts';
import { injectImageMetadata } from './inject-image-metadata.ts';
import { noOp } from './no-op.ts';
import type { ImportPlugin } from './plugin.ts';

export interface PluginOptions {
	/** what an image may grow to when it is unpacked or converted, in bytes */
	readonly maxBytes: number;
	readonly conversionFormat: OutputFormat;
	readonly inject: Readonly<Record<string, string>>;
	readonly injectIgnoreRoles: readonly string[];
	readonly inspect: Inspect;
	readonly jail: Jail;
}

const PLUGINS = {
	no_op: noOp,
	inject_image_metadata: ({ inject, injectIgnoreRoles: ignoreRoles }) => injectImageMetadata({ inject, ignoreRoles }),
	image_decompression: imageDecompression,
	image_conversion: ({ conversionFormat: outputFormat, ...options }) => imageConversion({ ...options, outputFormat }),
} as const satisfies Readonly<Record<string, (options: PluginOptions) => ImportPlugin>>;

export type PluginName = keyof typeof PLUGINS;

/** In the order given, which is the order that they run in. */
export function importPlugins(names: readonly PluginName[], options: PluginOptions): readonly ImportPlugin[] {
	return names.map((name) => PLUGINS[name](options));
}
