import { pino } from 'pino';
import type { LogLevel } from '#config/config.ts';
import type { Log } from '#lib/log.ts';

const STANDARD_ERROR = 2;

/** JSON lines on standard error, written at once: the last line before a crash is the one that matters. */
export function createLog(level: LogLevel): Log {
	return pino(
		{ level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
		pino.destination({ dest: STANDARD_ERROR, sync: true }),
	);
}
