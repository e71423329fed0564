/** Every way the API has of doing something with one image, as a request. */
import type { AskOptions } from './api-server.ts';
import { OCTETS } from './api-server.ts';

export interface VerbOptions {
	/** project of the caller */
	readonly self: string;
	/** another project, that is a member of the image */
	readonly other: string;
}

export interface VerbRequest extends AskOptions {
	readonly method: string;
	/** as the door writes it */
	readonly route: string;
	/** what stands for the other parameter of the route */
	readonly parameter?: string;
}

const IMAGE = '/v2/images/:id';
const PATCH = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
const DATA = { headers: OCTETS, body: Buffer.from('x') };

const patch =
	(...changes: readonly (readonly [name: string, value: string])[]) =>
	(): VerbRequest => ({
		method: 'PATCH',
		route: IMAGE,
		headers: PATCH,
		body: changes.map(([name, value]) => ({ op: 'replace', path: `/${name}`, value })),
	});
const plain =
	(method: string, route: string, options: AskOptions & { readonly parameter?: string } = {}) =>
	(): VerbRequest => ({ method, route, ...options });
const member =
	(method: string, whose: keyof VerbOptions, body?: unknown) =>
	(options: VerbOptions): VerbRequest => ({
		method,
		route: `${IMAGE}/members/:member`,
		parameter: options[whose],
		...(body !== undefined && { body }),
	});

export const IMAGE_VERBS = {
	show: plain('GET', IMAGE),
	rename: patch(['name', 'n']),
	'change nothing': patch(),
	publicize: patch(['visibility', 'public']),
	communitize: patch(['visibility', 'community']),
	privatize: patch(['visibility', 'private']),
	'give away': patch(['owner', 'project-c']),
	remove: plain('DELETE', IMAGE),
	upload: plain('PUT', `${IMAGE}/file`, DATA),
	stage: plain('PUT', `${IMAGE}/stage`, DATA),
	import: plain('POST', `${IMAGE}/import`, { body: { method: { name: 'glance-direct' } } }),
	download: plain('GET', `${IMAGE}/file`),
	'download a part': plain('GET', `${IMAGE}/file`, { headers: { range: 'bytes=0-0' } }),
	'ask for the size': plain('HEAD', `${IMAGE}/file`),
	deactivate: plain('POST', `${IMAGE}/actions/deactivate`),
	reactivate: plain('POST', `${IMAGE}/actions/reactivate`),
	'add a tag': plain('PUT', `${IMAGE}/tags/:tag`, { parameter: 'new' }),
	'drop a tag': plain('DELETE', `${IMAGE}/tags/:tag`, { parameter: 'given' }),
	'list locations': plain('GET', `${IMAGE}/locations`),
	'add a location': plain('POST', `${IMAGE}/locations`, { body: { url: 'https://example.com/image' } }),
	'remove from a store': plain('DELETE', '/v2/stores/:store/:id', { parameter: 'web' }),
	'list tasks': plain('GET', `${IMAGE}/tasks`),
	'list members': plain('GET', `${IMAGE}/members`),
	'add a member': plain('POST', `${IMAGE}/members`, { body: { member: 'project-n' } }),
	'show itself': member('GET', 'self'),
	'show another': member('GET', 'other'),
	'accept for itself': member('PUT', 'self', { status: 'accepted' }),
	'accept for another': member('PUT', 'other', { status: 'accepted' }),
	'remove itself': member('DELETE', 'self'),
	'remove another': member('DELETE', 'other'),
	cache: plain('PUT', '/v2/cache/:id'),
	'ask who caches': plain('GET', '/v2/cache/nodes/:id'),
	'drop from the cache': plain('DELETE', '/v2/cache/:id'),
	'cache as before': plain('PUT', '/v2/queued_images/:id'),
	'drop from the queue as before': plain('DELETE', '/v2/queued_images/:id'),
	'drop from the cache as before': plain('DELETE', '/v2/cached_images/:id'),
} as const satisfies Readonly<Record<string, (options: VerbOptions) => VerbRequest>>;

export type ImageVerb = keyof typeof IMAGE_VERBS;

export function pathOf({ route, parameter = '' }: VerbRequest, id: string): string {
	return route.replace(':id', id).replace(/:\w+/, parameter);
}
