import type { Log } from '#lib/log.ts';

/** A log that keeps what it is told, errors spelled out with their causes. */
export function keptLog(): Log & { readonly lines: readonly string[] } {
	const lines: string[] = [];
	const keep = (level: string) => (fields: object, message: string) => {
		lines.push(
			`${level} ${message} ${JSON.stringify(fields, (_key, value) => (value instanceof Error ? spelledOut(value) : value))}`,
		);
	};
	const log: Log & { readonly lines: string[] } = {
		lines,
		debug: keep('debug'),
		info: keep('info'),
		warn: keep('warn'),
		error: keep('error'),
		child: () => log,
	};
	return log;
}

export function spelledOut(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const own = JSON.stringify(
		Object.fromEntries(Object.getOwnPropertyNames(error).map((name) => [name, String(Reflect.get(error, name))])),
	);
	return error.cause === undefined ? own : `${own} because ${spelledOut(error.cause)}`;
}
