/** What clients ask of an image service most, the same of every server. */
import type { Load, Request } from '../keep-alive.ts';
import { load } from '../keep-alive.ts';

export const PAGE = 25;
const LIST = `/v2/images?limit=${PAGE}`;
const SAMPLED = 8000;
const SAMPLE_PAGE = 1000;

/** A server in the course of a measurement. */
export interface Asked {
	readonly url: string;
	readonly headers: Readonly<Record<string, string>>;
	/** of the first images by id: of any age, and anywhere in the list */
	readonly ids: readonly string[];
	/** made here, not deleted yet */
	readonly created: string[];
	/** so many measurements have begun */
	round: number;
}

export interface Verb {
	readonly name: string;
	readonly about: string;
	/** requests per second, ours over theirs */
	readonly atLeast: number;
	readonly status: number;
	/** The requests of one measurement, of `rounds` that there will be. */
	requests(asked: Asked, rounds: number): () => Omit<Request, 'headers'> | undefined;
	readonly type?: string;
	answered?(asked: Asked, body: string): void;
}

const get = (pathOf: (asked: Asked, n: number) => string) => (asked: Asked) =>
	counted((n) => ({ method: 'GET', path: pathOf(asked, n) }));
const one = (ids: readonly string[], n: number) => ids[n % ids.length] as string;

export const VERBS: readonly Verb[] = [
	{ name: 'list', about: `GET of the first ${PAGE} images`, atLeast: 40, status: 200, requests: get(() => LIST) },
	{
		name: 'list on',
		about: `GET of the ${PAGE} images after one from anywhere in the list`,
		atLeast: 20,
		status: 200,
		requests: get(({ ids }, n) => `${LIST}&marker=${one(ids, n)}`),
	},
	{
		name: 'show',
		about: `GET of one of ${SAMPLED} images in turn`,
		atLeast: 40,
		status: 200,
		requests: get(({ ids }, n) => `/v2/images/${one(ids, n)}`),
	},
	{
		name: 'create',
		about: 'POST of an image with two properties and a tag, durable when answered',
		atLeast: 10,
		status: 201,
		type: 'application/json',
		requests: () => counted((n) => ({ method: 'POST', path: '/v2/images', body: draft(n) })),
		answered: ({ created }, body) => void created.push(JSON.parse(body).id),
	},
	{
		name: 'patch',
		about: 'PATCH of the name and of one property of an image, durable when answered',
		atLeast: 10,
		status: 200,
		type: 'application/openstack-images-v2.1-json-patch',
		requests: ({ created }) => counted((n) => ({ method: 'PATCH', path: `/v2/images/${one(created, n)}`, body: patch(n) })),
	},
	{
		name: 'delete',
		about: 'DELETE of an image without data, durable when answered',
		atLeast: 10,
		status: 204,
		requests({ created, round }, rounds) {
			const share = created.splice(0, Math.ceil(created.length / (rounds - round)));
			return () => {
				const id = share.pop();
				return id === undefined ? undefined : { method: 'DELETE', path: `/v2/images/${id}` };
			};
		},
	},
];

export function ask(verb: Verb, asked: Asked, { connections, seconds, rounds }: Pacing): Promise<Load> {
	const { url } = asked;
	const headers = { ...asked.headers, ...(verb.type !== undefined && { 'content-type': verb.type }) };
	const next = verb.requests(asked, rounds);
	return load({
		url,
		connections,
		seconds,
		status: verb.status,
		next() {
			const request = next();
			return request && { ...request, headers };
		},
		answered: (body) => verb.answered?.(asked, body),
	});
}

export interface Pacing {
	readonly connections: number;
	readonly seconds: number;
	readonly rounds: number;
}

/** Makes a server ready to be asked, and sees to it that it gives what is measured. */
export async function meet(url: string, headers: Readonly<Record<string, string>>): Promise<Asked> {
	const page = async (path: string) => {
		const response = await fetch(url + path, { headers });
		if (response.status !== 200) throw new Error(`${url}${path}: ${response.status} ${await response.text()}`);
		return (await response.json()) as { readonly images: readonly { readonly id: string }[]; readonly next?: string };
	};
	const { images } = await page(LIST);
	if (images.length !== PAGE) throw new Error(`${url}${LIST} gave ${images.length} images`);
	const ids: string[] = [];
	for (let path: string | undefined = `/v2/images?limit=${SAMPLE_PAGE}&sort=id:asc`; path && ids.length < SAMPLED; ) {
		const { images, next }: Awaited<ReturnType<typeof page>> = await page(path);
		ids.push(...images.map(({ id }) => id));
		path = next;
	}
	return { url, headers, ids, created: [], round: 0 };
}

function counted<T>(make: (n: number) => T): () => T {
	let n = 0;
	return () => make(n++);
}

function draft(n: number): string {
	const name = `created-${n}`;
	return JSON.stringify({
		name,
		disk_format: 'qcow2',
		container_format: 'bare',
		os_distro: 'debian',
		architecture: 'x86_64',
		tags: ['new'],
	});
}

function patch(n: number): string {
	return JSON.stringify([
		{ op: 'replace', path: '/name', value: `patched-${n}` },
		{ op: 'add', path: '/build', value: String(n) },
	]);
}
