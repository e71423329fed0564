/** What is kept for a while: cached contents and finished tasks. */
import { GiB } from '#lib/sizes.ts';
import type { Config } from '../config.ts';
import { parseBoolean, parseBytesOrNone, parseCount, parseSeconds } from '../parse-values.ts';
import { one, type Values } from './setting.ts';

const MAX_STALL_S = 365 * 86_400;

export const upkeepSettings = {
	cache: one(
		{
			key: 'cache.enabled',
			env: 'SUNDOG_CACHE',
			flag: '--cache',
			hint: 'true|false',
			help: "Glance's cache API is offered",
			byDefault: 'true; with a Glance file, what its flavor says',
		},
		parseBoolean,
	),
	cacheMaxBytes: one(
		{ key: 'cache.max_size', hint: 'size', help: 'what pruning leaves of contents that are only cached', byDefault: '10 GiB' },
		parseBytesOrNone,
	),
	cacheStallMs: one(
		{
			key: 'cache.stall_time',
			hint: 'seconds',
			help: 'after how long without progress cleaning removes an incomplete content',
			byDefault: '86400',
		},
		parseSeconds({ max: MAX_STALL_S }),
	),
	locationsHash: one(
		{
			key: 'locations.hash',
			hint: 'true|false',
			help: 'bytes at places that services give are read once, to know what they are',
			byDefault: 'true',
		},
		parseBoolean,
	),
	deleteDelayed: one(
		{
			key: 'delete.delayed',
			hint: 'true|false',
			help: 'deleted images keep their data for a while, and can be restored',
			byDefault: 'false',
		},
		parseBoolean,
	),
	deleteScrubAfterMs: one(
		{ key: 'delete.scrub_after', hint: 'seconds', help: 'how long they keep it at least', byDefault: '0' },
		parseSeconds({ max: MAX_STALL_S }),
	),
	tasksTimeToLiveHours: one(
		{ key: 'tasks.time_to_live', hint: 'hours', help: 'how long a finished task is kept', byDefault: '48' },
		parseCount({ max: 24 * 36_525 }),
	),
} as const;

type Said = Values<typeof upkeepSettings>;

export function cacheOf({ cache = true, cacheMaxBytes = 10 * GiB, cacheStallMs = 86_400_000 }: Said): Config['cache'] {
	return cache ? { maxBytes: cacheMaxBytes, stallMs: cacheStallMs } : undefined;
}

export function locationsOf({ locationsHash: hash = true }: Said): Config['locations'] {
	return { hash };
}

export function delayedDeleteOf({ deleteDelayed = false, deleteScrubAfterMs = 0 }: Said): Config['delayedDelete'] {
	return deleteDelayed ? { scrubAfterMs: deleteScrubAfterMs } : undefined;
}

export function tasksOf({ tasksTimeToLiveHours: timeToLiveHours = 48 }: Said): Config['tasks'] {
	return { timeToLiveHours };
}
