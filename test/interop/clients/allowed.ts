/** Where the commands may say other things, and why. An entry that no command needs any more makes the test fail. */
import type { Difference } from '../differential/portrait.ts';

export interface AllowedReading {
	readonly reason: string;
	/** of the line that was typed; absent: any */
	readonly line?: RegExp;
	readonly at: RegExp;
	readonly glance?: RegExp;
	readonly sundog?: RegExp;
}

export const ALLOWED_READINGS: readonly AllowedReading[] = [
	{
		reason: 'stores is not in the schema, of which the glance command makes an option that it already has',
		line: /glance explain image$/,
		at: /^out\.stores$/,
		sundog: /^absent$/,
	},
	{
		reason: 'stores have a weight, as in the newest Glance, and folders of their own',
		line: /glance stores-info --detail$/,
		at: /^out\.stores\.\d\.(weight|properties\.data_dir)$/,
	},
	{
		reason: 'how far an import has come is seen at once: the image is importing, and says to which stores',
		line: /glance image-(import|create-via-import|upload-via-import) /,
		at: /^out\.(status|os_glance_\w+|stores|locations|size|checksum|os_hash_\w+|virtual_size|direct_url)\b/,
	},
	{
		reason: 'of stores of one weight the order means nothing',
		line: /^wait admin glance image-show /,
		at: /^out\.(stores|locations\.\d\.metadata\.store)$/,
	},
];

export function findAllowed(line: string, { at, glance, sundog }: Difference): AllowedReading | undefined {
	return ALLOWED_READINGS.find(
		(entry) =>
			(entry.line?.test(line) ?? true) &&
			entry.at.test(at) &&
			(entry.glance?.test(JSON.stringify(glance) ?? 'absent') ?? true) &&
			(entry.sundog?.test(JSON.stringify(sundog) ?? 'absent') ?? true),
	);
}
