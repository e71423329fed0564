/** Reading decoded DAG-CBOR by hand: every field is checked for its type and bounds before anyone sees it. */
import { decode, encode } from '@ipld/dag-cbor';
import { ImageError } from '#domain/errors.ts';

export type WireFields = Readonly<Record<string, unknown>>;

export function encodeFields(fields: WireFields): Uint8Array {
	return encode(fields);
}

/** `corrupt` unless the bytes are one DAG-CBOR map. */
export function decodeFields(bytes: Uint8Array): WireFields {
	let value: unknown;
	try {
		value = decode(bytes);
	} catch (cause) {
		throw new ImageError('corrupt', 'a peer sent a message that is not dag-cbor', { cause });
	}
	if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
		throw malformed('a message', 'is not a map');
	return value as WireFields;
}

export function textField(fields: WireFields, name: string, maxChars: number): string {
	const value = fields[name];
	if (typeof value !== 'string' || value.length > maxChars)
		throw malformed(name, `is not a text of at most ${maxChars} characters`);
	return value;
}

export function optionalTextField(fields: WireFields, name: string, maxChars: number): string | undefined {
	return fields[name] === undefined ? undefined : textField(fields, name, maxChars);
}

/** An integer from 0 to `max`. */
export function countField(fields: WireFields, name: string, max: number): number {
	const value = fields[name];
	if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > max)
		throw malformed(name, `is not an integer from 0 to ${max}`);
	return value;
}

export function malformed(what: string, why: string): ImageError {
	return new ImageError('corrupt', `a peer sent a malformed message: ${what} ${why}`);
}

/** No field beyond those of the specification: what nobody reads, nobody may smuggle. */
export function assertOnly(fields: WireFields, names: readonly string[]): void {
	for (const name of Object.keys(fields)) if (!names.includes(name)) throw malformed(name, 'is not a known field');
}
