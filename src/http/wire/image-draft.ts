import { ImageError } from '#domain/errors.ts';
import type { ImageDraft } from '#domain/image.ts';
import {
	imageId,
	isReserved,
	isWritable,
	NEVER_SENT,
	parsePropertyName,
	parsePropertyValue,
	parseTags,
	parseWritable,
	READ_ONLY,
	readOnly,
	reserved,
} from './attributes.ts';
import type { ImageRules } from './image-rules.ts';
import { refuseAstral } from './texts.ts';

/** Digests a client claims are neither believed nor kept; Glance takes the keys without complaint. */
const IGNORED: ReadonlySet<string> = new Set(['os_hash_algo', 'os_hash_value']);

/** The body of "Create image". `invalid` for what the schema refuses, `forbidden` for names that are not the client's. */
export function parseImageDraft(body: unknown, rules: ImageRules): ImageDraft {
	if (typeof body !== 'object' || body === null || Array.isArray(body))
		throw new ImageError('invalid', 'the body must be a JSON object');
	if (rules.refuseAstral) refuseAstral(body);
	const entries = Object.entries(body).filter(([key]) => !IGNORED.has(key));
	for (const [key] of entries) if (NEVER_SENT.has(key)) throw readOnly(key);
	const missing = rules.custom.required.filter((name) => !Object.hasOwn(body, name));
	if (missing.length > 0) throw new ImageError('invalid', `every image needs ${missing.join(', ')}`);
	const parts = entries.map(([key, value]) => parseEntry(key, value, rules));
	const properties = Object.fromEntries(parts.flatMap((part) => Object.entries(part.properties ?? {})));
	return { ...Object.assign({}, ...parts), properties };
}

function parseEntry(key: string, value: unknown, rules: ImageRules): ImageDraft {
	if (READ_ONLY.has(key)) throw readOnly(key);
	if (isReserved(key)) throw reserved(key);
	if (key === 'id') return { id: imageId('id', value) };
	if (key === 'tags') return { tags: parseTags(value) };
	if (isWritable(key)) return parseWritable(key, value, rules.formats);
	return { properties: { [parsePropertyName(key)]: parsePropertyValue(key, value, rules) } };
}
