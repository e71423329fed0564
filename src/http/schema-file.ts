import { readFile } from 'node:fs/promises';
import { ImageError } from '#domain/errors.ts';
import { parseJson } from './json-body.ts';
import { ATTRIBUTES } from './wire/attributes.ts';
import { type CustomProperties, customProperties } from './wire/custom-properties.ts';

/** The operator's schema-image.json, in Glance's flat or extended form. `invalid`, naming file and place, when it is not one. */
export async function readSchemaFile(path: string): Promise<CustomProperties> {
	try {
		return customProperties(parseJson(await readFile(path)), ATTRIBUTES);
	} catch (cause) {
		const why = cause instanceof Error ? cause.message : String(cause);
		throw new ImageError('invalid', `${path}: ${why}`, { cause });
	}
}
