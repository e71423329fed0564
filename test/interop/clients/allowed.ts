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
