/** Places of bytes in requests: a member of `locations`, and the body of "Add location". Image API v2. */
import { ImageError } from '#domain/errors.ts';
import { assertDigest, type GivenLocation, type ValidationData } from '#domain/given-location.ts';
import { quoted } from './texts.ts';

type Body = Readonly<Record<string, unknown>>;

const URL_CHARS_MAX = 255;
const METADATA_CHARS_MAX = 16 * 1024;

/** `invalid` for what is not {url, metadata, validation_data?}. */
export function parseLocation(value: unknown): GivenLocation {
	const body = objectOf(value, 'a location', ['url', 'metadata', 'validation_data']);
	if (typeof body.metadata !== 'object' || body.metadata === null || Array.isArray(body.metadata))
		throw new ImageError('invalid', 'a location must have metadata, an object');
	if (JSON.stringify(body.metadata).length > METADATA_CHARS_MAX)
		throw new ImageError('invalid', `the metadata of a location have at most ${METADATA_CHARS_MAX} characters`);
	const validation = body.validation_data === undefined ? undefined : parseValidation(body.validation_data, true);
	return { url: urlOf(body), metadata: body.metadata as Body, ...(validation && { validation }) };
}

/** The body of "Add location". */
export function parseAddedLocation(value: unknown): GivenLocation {
	const body = objectOf(value, 'the body', ['url', 'validation_data']);
	const data = body.validation_data;
	const isEmpty = data === undefined || (typeof data === 'object' && data !== null && Object.keys(data).length === 0);
	const validation = isEmpty ? undefined : parseValidation(data, false);
	if (validation !== undefined) assertDigest(validation);
	return { url: urlOf(body), metadata: {}, ...(validation && { validation }) };
}

function urlOf({ url }: Body): string {
	if (typeof url !== 'string' || url === '') throw new ImageError('invalid', 'a location must have a url');
	if (url.length > URL_CHARS_MAX)
		throw new ImageError('invalid', `the url of a location has at most ${URL_CHARS_MAX} characters`);
	return url;
}

function parseValidation(value: unknown, withChecksum: boolean): ValidationData {
	const names = ['os_hash_algo', 'os_hash_value', ...(withChecksum ? ['checksum'] : [])];
	const { os_hash_algo: algorithm, os_hash_value: hash, checksum } = objectOf(value, 'validation_data', names);
	if (typeof algorithm !== 'string' || typeof hash !== 'string')
		throw new ImageError('invalid', 'validation_data must have os_hash_algo and os_hash_value');
	if (!/^[0-9a-f]{1,128}$/i.test(hash)) throw new ImageError('invalid', 'os_hash_value must be hexadecimal digits, at most 128');
	if (checksum !== undefined && !isHex(checksum, 32)) throw new ImageError('invalid', 'checksum must be 32 hexadecimal digits');
	return {
		hashAlgorithm: algorithm,
		hashValue: hash.toLowerCase(),
		...(typeof checksum === 'string' && { checksum: checksum.toLowerCase() }),
	};
}

function isHex(value: unknown, digits: number): boolean {
	return typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/i.test(value);
}

function objectOf(value: unknown, what: string, names: readonly string[]): Body {
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		throw new ImageError('invalid', `${what} must be a JSON object`);
	const other = Object.keys(value).find((name) => !names.includes(name));
	if (other !== undefined) throw new ImageError('invalid', `${what} has no ${quoted(other)}`);
	return value as Body;
}
