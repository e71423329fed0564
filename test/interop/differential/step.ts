/**
 * How scenarios are written: a list of requests that are sent to both servers, one after the other.
 *
 *   scenario('tags of an image', [45], [
 *     keep('image', demo.post('/v2/images', {})),
 *     demo.put('/v2/images/$image/tags/a'),
 *   ])
 *
 * `$name` in a path, a header or a body is a value: one that a step kept (each server has its own) or one of
 * values.ts that both share. The numbers are rows of features.ts.
 */
import type { Person } from '../../support/reference.ts';

export type Caller = Person | 'nobody' | 'impostor';

export interface Step {
	readonly caller: Caller;
	readonly method: string;
	readonly path: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: string | Uint8Array;
	/** the name under which the answer's id is kept */
	readonly keeps?: string;
	/** done before it is sent, with the values of the server that it goes to */
	readonly first?: (values: ReadonlyMap<string, string>) => void | Promise<void>;
	/** asked again until the answer satisfies it */
	readonly until?: Condition;
}

/** Of an answer's body, and of the values of the server that gave it. */
export type Condition = (json: Json, values: ReadonlyMap<string, string>) => boolean;

// biome-ignore lint/suspicious/noExplicitAny: bodies of answers, looked into by those who know them
export type Json = any;

export interface Scenario {
	readonly title: string;
	readonly rows: readonly number[];
	readonly steps: readonly Step[];
}

export function scenario(title: string, rows: readonly number[], steps: readonly Step[]): Scenario {
	return { title, rows, steps };
}

export function keep(name: string, step: Step): Step {
	return { ...step, keeps: name };
}

export function until(satisfied: Condition, step: Step): Step {
	return { ...step, until: satisfied };
}

export function after(first: NonNullable<Step['first']>, step: Step): Step {
	return { ...step, first };
}

export function withHeaders(headers: Readonly<Record<string, string>>, step: Step): Step {
	return { ...step, headers: { ...step.headers, ...headers } };
}

export const V21 = 'application/openstack-images-v2.1-json-patch';
export const V20 = 'application/openstack-images-v2.0-json-patch';
const OCTETS = 'application/octet-stream';

/** JSON for values, strings and bytes as they are. */
type Body = unknown;

function person(caller: Caller) {
	const ask = (method: string, path: string, body?: Body, headers: Readonly<Record<string, string>> = {}): Step => ({
		caller,
		method,
		path,
		headers,
		...(body !== undefined && { body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) }),
	});
	return {
		ask,
		get: (path: string, headers?: Readonly<Record<string, string>>) => ask('GET', path, undefined, headers),
		post: (path: string, body?: Body) => ask('POST', path, body, json(body)),
		put: (path: string, body?: Body) => ask('PUT', path, body, json(body)),
		delete: (path: string, headers?: Readonly<Record<string, string>>) => ask('DELETE', path, undefined, headers),
		patch: (path: string, operations: Body, type = V21) => ask('PATCH', path, operations, { 'content-type': type }),
		upload: (image: string, bytes: string | Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
			ask('PUT', `/v2/images/${image}/file`, bytes, { 'content-type': OCTETS, ...headers }),
		download: (image: string, headers?: Readonly<Record<string, string>>) =>
			ask('GET', `/v2/images/${image}/file`, undefined, headers),
	};
}

function json(body: Body): Record<string, string> {
	return body === undefined ? {} : { 'content-type': 'application/json' };
}

/** administrator */
export const admin = person('admin');
/** member of the project demo */
export const demo = person('demo');
/** member of the project alt_demo */
export const alt = person('alt');
/** reader in the project demo */
export const reader = person('reader');
/** the administrator of the whole system, in no project */
export const system = person('system');
/** no token */
export const nobody = person('nobody');
/** a token that Keystone never gave */
export const impostor = person('impostor');

const NAME_LENGTH = 110;

/** One line for people: who asks what. */
export function nameOf({ caller, method, path, headers, body }: Step): string {
	const extras = Object.entries(headers).flatMap(([name, value]) => extra(name, value));
	const text =
		body === undefined ? '' : body instanceof Uint8Array ? `<${body.length} bytes>` : JSON.stringify(body).slice(1, -1);
	const line = [caller, method, path, ...extras, text.replaceAll('\\"', '"')].join(' ').trim();
	return line.length > NAME_LENGTH ? `${line.slice(0, NAME_LENGTH)}…` : line;
}

function extra(name: string, value: string): readonly string[] {
	if (name !== 'content-type') return [`${name}: ${value}`];
	if (value === V20) return ['(2.0 patch)'];
	return value === V21 || value === 'application/json' || value === OCTETS ? [] : [`(${value})`];
}
