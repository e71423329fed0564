/** Both servers, side by side: sends a step to each with that server's own values, and says where the answers differ. */
import { eventually } from '../../support/eventually.ts';
import type { Person, ReferenceCloud } from '../../support/reference.ts';
import { type Answer, send } from './exchange.ts';
import { type Difference, differences, portray } from './portrait.ts';
import type { Caller, Step } from './step.ts';
import { filled, givens, type Values } from './values.ts';

interface Side {
	readonly url: string;
	readonly values: Values;
	/** paths of what was made here, to be removed in the end */
	readonly made: string[];
}

/** Of the reference: where it is, and who may ask: by tokens, or as a proxy says it that has authenticated them. */
export type PairedCloud = Pick<ReferenceCloud, 'glance' | 'projects'> &
	(Pick<ReferenceCloud, 'token'> | { readonly identity: (person: Person) => Readonly<Record<string, string>> });

export interface Pair {
	/** The differences, and both answers for those who want to look on. */
	ask(step: Step): Promise<{ readonly found: readonly Difference[]; readonly glance: Answer; readonly sundog: Answer }>;
	/** Removes on both what this pair's steps have made. */
	clear(): Promise<void>;
}

/** With values of its own: two pairs know nothing of each other's images. `known`: more values that both share. */
export function createPair(cloud: PairedCloud, sundog: string, known: Readonly<Record<string, string>> = {}): Pair {
	const shared = { ...givens(cloud), ...known };
	const sides = {
		glance: newSide(cloud.glance, shared),
		sundog: newSide(sundog, shared),
	};

	async function askOne(side: Side, step: Step): Promise<Answer> {
		const sent = {
			method: step.method,
			path: filled(step.path, side.values),
			headers: { ...(await credentials(cloud, step.caller)), ...filledHeaders(step.headers, side.values) },
			...(step.body !== undefined && { body: step.body instanceof Uint8Array ? step.body : filled(step.body, side.values) }),
		};
		await step.first?.(side.values);
		const { until } = step;
		const once = () => send(side.url, sent);
		const answer = until
			? await eventually(`${step.method} ${sent.path}`, async () =>
					once().then((each) => (until(each.json, side.values) ? each : undefined)),
				)
			: await once();
		note(side, step, sent.path, answer);
		return answer;
	}

	return {
		async ask(step) {
			const [glance, ours] = await Promise.all([askOne(sides.glance, step), askOne(sides.sundog, step)]);
			const theirs = portray(glance, sides.glance.values, step.method);
			const own = portray(ours, sides.sundog.values, step.method);
			return { found: differences(theirs, own), glance, sundog: ours };
		},
		async clear() {
			const headers = await credentials(cloud, 'admin');
			await Promise.all(Object.values(sides).map((side) => clearSide(side, headers)));
		},
	};
}

function newSide(url: string, shared: Readonly<Record<string, string>>): Side {
	return { url, values: new Map(Object.entries({ ...shared, host: url })), made: [] };
}

function filledHeaders(headers: Step['headers'], values: Values): Record<string, string> {
	return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, filled(value, values)]));
}

async function credentials(cloud: PairedCloud, caller: Caller): Promise<Record<string, string>> {
	if (caller === 'nobody') return {};
	if (caller === 'impostor') return { 'x-auth-token': 'gAAAAAB-not-a-token' };
	return 'identity' in cloud ? cloud.identity(caller) : { 'x-auth-token': await cloud.token(caller) };
}

function note(side: Side, step: Step, path: string, { status, json }: Answer): void {
	if (step.keeps !== undefined) side.values.set(step.keeps, String(json?.id ?? 'never made'));
	if (step.method !== 'POST' || status !== 201) return;
	const collection = path.split('?', 1)[0];
	if (collection?.endsWith('/images')) side.made.push(`/v2/images/${json.id}`);
	if (collection?.endsWith('/metadefs/namespaces'))
		side.made.push(`/v2/metadefs/namespaces/${encodeURIComponent(json.namespace)}`);
}

async function clearSide({ url, made }: Side, admin: Record<string, string>): Promise<void> {
	for (const path of made.splice(0)) {
		const removed = await send(url, { method: 'DELETE', path, headers: admin });
		if (removed.status !== 403) continue;
		await unprotect(url, path, admin);
		await send(url, { method: 'DELETE', path, headers: admin });
	}
}

async function unprotect(url: string, path: string, admin: Record<string, string>): Promise<void> {
	const isImage = path.startsWith('/v2/images/');
	const headers = { ...admin, 'content-type': isImage ? 'application/openstack-images-v2.1-json-patch' : 'application/json' };
	const body = isImage
		? [{ op: 'replace', path: '/protected', value: false }]
		: { namespace: decodeURIComponent(path.split('/').at(-1) ?? ''), protected: false };
	await send(url, { method: isImage ? 'PATCH' : 'PUT', path, headers, body: JSON.stringify(body) });
}
