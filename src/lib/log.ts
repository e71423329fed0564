/** What a part may say about itself: one JSON line a call, to standard error. pino satisfies it. */
export interface Log {
	debug(fields: object, message: string): void;
	info(fields: object, message: string): void;
	warn(fields: object, message: string): void;
	error(fields: object, message: string): void;
	child(fields: object): Log;
}

export const silentLog: Log = {
	debug() {},
	info() {},
	warn() {},
	error() {},
	child: () => silentLog,
};
