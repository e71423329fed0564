/** Keystone's answers about limits, read once and strictly: what cannot be understood must not look like no limit. */
import { ImageError } from '#domain/errors.ts';
import type { Keystone } from '#keystone/ports.ts';

export type Row = Readonly<Record<string, unknown>>;

interface Shapes {
	readonly model: Row;
	readonly endpoint: Row;
	readonly services: readonly Row[];
	readonly endpoints: readonly Row[];
	readonly limits: readonly Row[];
	readonly registered_limits: readonly Row[];
}

/** What stands under a key of the answer; `unavailable` for any answer that has it not, or not all of it. */
export async function askFor<Key extends keyof Shapes>(
	keystone: Keystone,
	path: string,
	query: Readonly<Record<string, string>>,
	key: Key,
	signal: AbortSignal,
): Promise<Shapes[Key]> {
	// under another scope Keystone lists the limits of its own project only, and says nothing of it
	const { status, body } = await keystone.ask({ method: 'GET', path, query, scope: 'system', signal });
	if (status !== 200) throw new ImageError('unavailable', `keystone does not say what the limits are: ${status} for ${path}`);
	const value = isRow(body) && body.truncated !== true ? body[key] : undefined;
	const fits = WHOLE.has(key) ? isRow(value) : Array.isArray(value) && value.every(isRow);
	if (!fits) throw notUnderstood(path);
	return value as Shapes[Key];
}

const WHOLE: ReadonlySet<keyof Shapes> = new Set(['model', 'endpoint']);

export function textOf(value: unknown): string {
	if (typeof value !== 'string' || value === '') throw notUnderstood('a name or an id');
	return value;
}

export function numberOf(value: unknown): number {
	if (!Number.isSafeInteger(value) || (value as number) < -1) throw notUnderstood('a limit');
	return value as number;
}

function isRow(value: unknown): value is Row {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notUnderstood(what: string): ImageError {
	return new ImageError('unavailable', `keystone does not say what the limits are: ${what} cannot be understood`);
}
