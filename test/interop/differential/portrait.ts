/**
 * What of an answer must be equal. A portrait leaves out what differs between any two servers (times, ids they chose,
 * their address, the texts of errors) and keeps the form of all of it.
 */
import type { Answer } from './exchange.ts';
import type { Json } from './step.ts';
import { type Values, withoutParticulars } from './values.ts';

export interface Portrait {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: unknown;
}

/** One place where two portraits differ; `at` is `status`, `header allow` or `body.images.0.name`. */
export interface Difference {
	readonly at: string;
	readonly glance: unknown;
	readonly sundog: unknown;
}

/** Headers that clients act on. Lists whose order means nothing are sorted. */
const HEADERS = [
	'location',
	'allow',
	'accept-patch',
	'www-authenticate',
	'content-md5',
	'content-range',
	'x-openstack-request-id',
];
const LISTS = new Set(['allow', 'accept-patch']);

/** `values`: this server's own, such as the id of an image that a step kept. */
export function portray(answer: Answer, values: Values, method: string): Portrait {
	const plain = (text: string) => withoutParticulars(text, values);
	return { status: answer.status, headers: headersOf(answer, plain), body: bodyOf(answer, plain, method) };
}

function headersOf({ headers, bytes }: Answer, plain: (text: string) => string): Record<string, string> {
	const kept: Record<string, string> = {};
	for (const [name, value] of Object.entries(headers)) {
		if (!HEADERS.includes(name) && !name.startsWith('openstack-')) continue;
		kept[name] = plain(LISTS.has(name) ? sorted(String(value)) : String(value));
	}
	// Without a body the type says nothing, and Glance's says text/html.
	if (bytes.length > 0) kept['content-type'] = String(headers['content-type']).toLowerCase().replaceAll(' ', '');
	if (kept['content-type'] === 'application/octet-stream') kept['content-length'] = String(headers['content-length']);
	return kept;
}

function sorted(list: string): string {
	return list
		.split(',')
		.map((item) => item.trim())
		.sort()
		.join(', ');
}

function bodyOf({ status, headers, bytes, json }: Answer, plain: (text: string) => string, method: string): unknown {
	if (method === 'HEAD' || bytes.length === 0) return '';
	const type = String(headers['content-type']);
	if (status >= 400) return errorForm(type, bytes.toString(), json);
	if (json !== undefined) return plainJson(json, plain);
	return type.startsWith('application/octet-stream')
		? `<${bytes.length} bytes ${bytes.toString('latin1').slice(0, 40)}>`
		: plain(bytes.toString());
}

/** The shape that clients parse; its text is each server's own. */
function errorForm(type: string, text: string, json: Json): unknown {
	if (json !== undefined && typeof json === 'object' && json !== null)
		return { ...json, message: String(json.message).replace(/^[^<]+(<br.*)$/s, (_, end: string) => `<text>${end.trim()}`) };
	if (type.startsWith('text/html')) return text.replace(/<\/h1>[\s\S]*?(<br|<\/body)/, '</h1><text>$1').replaceAll(/\s+/g, ' ');
	return text.replace(/^(\d{3} [^\n]+\n\n)[\s\S]*$/, '$1<text>');
}

function plainJson(value: Json, plain: (text: string) => string, key = ''): unknown {
	if (typeof value === 'string') return key === 'versions' ? value : plain(value);
	if (Array.isArray(value)) {
		const items = value.map((item) => plainJson(item, plain)).filter((item) => !COMMON.has(key) || isOfThisRun(item));
		// Sets, of which servers may send any order.
		return UNORDERED.has(key) ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
	}
	if (MOMENTS.has(key)) return typeof value === 'number' ? '<seconds>' : value;
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([name, item]) => [plain(name), plainJson(item, plain, name)]));
}

/** Seconds since 1970. */
const MOMENTS = new Set(['last_accessed', 'last_modified']);

/** Lists in which others have theirs too. */
const COMMON = new Set(['namespaces', 'resource_types', 'cached_images', 'queued_images']);

function isOfThisRun(item: unknown): boolean {
	const { image_id: image, namespace, name } = item as Readonly<Record<string, string>>;
	return String(image ?? namespace ?? name ?? item).includes('$');
}

const UNORDERED = new Set(['tags', 'enum', 'required', 'resource_type_associations', 'resource_types', 'objects']);

/** Nothing but the status when that differs: everything else follows from it. */
export function differences(glance: Portrait, sundog: Portrait): readonly Difference[] {
	if (glance.status !== sundog.status) return [{ at: 'status', glance: glance.status, sundog: sundog.status }];
	const found: Difference[] = [];
	for (const name of new Set([...Object.keys(glance.headers), ...Object.keys(sundog.headers)]))
		if (glance.headers[name] !== sundog.headers[name])
			found.push({ at: `header ${name}`, glance: glance.headers[name], sundog: sundog.headers[name] });
	return [...found, ...compare('body', glance.body, sundog.body)];
}

/** Arrays too are compared place by place. */
export function compare(at: string, glance: unknown, sundog: unknown): readonly Difference[] {
	if (!isRecord(glance) || !isRecord(sundog)) return glance === sundog ? [] : [{ at, glance, sundog }];
	const keys = new Set([...Object.keys(glance), ...Object.keys(sundog)]);
	return [...keys].flatMap((key) => compare(`${at}.${key}`, glance[key], sundog[key]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null;
}
