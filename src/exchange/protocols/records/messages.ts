/** The messages of records. docs/peer-protocol.md §6 */
import type { LogVector } from '#catalogue/ports.ts';
import { assertOnly, countField, decodeFields, encodeFields, malformed, type WireFields } from '#exchange/wire.ts';
import { MAX_BATCH_ENTRIES, MAX_LOG_NAME_CHARS, MAX_VECTOR_LOGS } from './constants.ts';

/** Subscriber: how far it holds each log. Asks for more, acknowledges the batch before, and answers a beat. */
export function encodeHave(vector: LogVector): Uint8Array {
	return encodeFields({ type: 'have', logs: Object.fromEntries(vector) });
}

export function decodeHave(bytes: Uint8Array): LogVector {
	const fields = decodeFields(bytes);
	assertOnly(fields, ['type', 'logs']);
	const { type, logs } = fields;
	if (type !== 'have') throw malformed('type', 'is not one a subscriber sends');
	if (typeof logs !== 'object' || logs === null || Array.isArray(logs)) throw malformed('logs', 'is not a map');
	const names = Object.keys(logs);
	if (names.length > MAX_VECTOR_LOGS) throw malformed('logs', `names more than ${MAX_VECTOR_LOGS} logs`);
	if (names.some((name) => name.length > MAX_LOG_NAME_CHARS)) throw malformed('logs', 'has a name that is too long');
	return new Map(names.map((name) => [name, countField(logs as WireFields, name, Number.MAX_SAFE_INTEGER)]));
}

/** Holder: entries that follow the vector it was told, or none: it is alive and has nothing new. */
export function encodeBatch(entries: readonly Uint8Array[]): Uint8Array {
	return encodeFields({ type: 'batch', entries });
}

export function decodeBatch(bytes: Uint8Array): readonly Uint8Array[] {
	const fields = decodeFields(bytes);
	assertOnly(fields, ['type', 'entries']);
	const { type, entries } = fields;
	if (type !== 'batch') throw malformed('type', 'is not one a holder sends');
	if (!Array.isArray(entries) || entries.length > MAX_BATCH_ENTRIES)
		throw malformed('entries', `is not a list of at most ${MAX_BATCH_ENTRIES}`);
	if (!entries.every((entry) => entry instanceof Uint8Array)) throw malformed('entries', 'has one that is not bytes');
	return entries;
}
