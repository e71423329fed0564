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
	/** after /v2/images/:id, as the route is written */
	readonly route: string;
	/** what stands for the later parameter of the route */
	readonly parameter?: string;
}

const PATCH = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
const DATA = { headers: OCTETS, body: Buffer.from('x') };

const patch =
	(...changes: readonly (readonly [name: string, value: string])[]) =>
	(): VerbRequest => ({
		method: 'PATCH',
		route: '',
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
		route: '/members/:member',
		parameter: options[whose],
		...(body !== undefined && { body }),
	});

export const IMAGE_VERBS = {
	show: plain('GET', ''),
	rename: patch(['name', 'n']),
	'change nothing': patch(),
	publicize: patch(['visibility', 'public']),
	communitize: patch(['visibility', 'community']),
	privatize: patch(['visibility', 'private']),
	'give away': patch(['owner', 'project-c']),
	remove: plain('DELETE', ''),
	upload: plain('PUT', '/file', DATA),
	stage: plain('PUT', '/stage', DATA),
	download: plain('GET', '/file'),
	'download a part': plain('GET', '/file', { headers: { range: 'bytes=0-0' } }),
	'ask for the size': plain('HEAD', '/file'),
	deactivate: plain('POST', '/actions/deactivate'),
	reactivate: plain('POST', '/actions/reactivate'),
	'add a tag': plain('PUT', '/tags/:tag', { parameter: 'new' }),
	'drop a tag': plain('DELETE', '/tags/:tag', { parameter: 'given' }),
	'list members': plain('GET', '/members'),
	'add a member': plain('POST', '/members', { body: { member: 'project-n' } }),
	'show itself': member('GET', 'self'),
	'show another': member('GET', 'other'),
	'accept for itself': member('PUT', 'self', { status: 'accepted' }),
	'accept for another': member('PUT', 'other', { status: 'accepted' }),
	'remove itself': member('DELETE', 'self'),
	'remove another': member('DELETE', 'other'),
} as const satisfies Readonly<Record<string, (options: VerbOptions) => VerbRequest>>;

export type ImageVerb = keyof typeof IMAGE_VERBS;

export function pathOf({ route, parameter = '' }: VerbRequest, id: string): string {
	return `/v2/images/${id}${route.replace(/:\w+/, parameter)}`;
}
