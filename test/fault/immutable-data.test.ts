/**
 * Whatever eight clients do to one image at once, from whichever status: it only goes where the documents let it, its
 * bytes are given once, and nobody ever reads other ones. 2,000 stories from 9 statuses by 14 operations, over the wire.
 */
import assert from 'node:assert/strict';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { ImageStatus } from '#domain/image.ts';
import { type ApiServer, OCTETS, type Reply, replyOf, startApi } from '../support/api-server.ts';
import { type Random, seededRandom } from '../support/random.ts';

const STORIES = 2000;
const CLIENTS = 8;
const OPERATIONS_EACH = 2;

/** Image API v2, "Image status transitions". */
const MAY_FOLLOW: Readonly<Record<ImageStatus, string>> = {
	queued: 'saving uploading importing active deleted',
	saving: 'active killed deleted queued',
	uploading: 'importing queued deleted',
	importing: 'active deleted queued',
	active: 'pending_delete deleted deactivated',
	deactivated: 'active deleted',
	killed: 'deleted',
	pending_delete: 'deleted active',
	deleted: '',
};

/** How an image gets into each status: the data it is given, then what its site says of it. */
const BEGINNINGS: Readonly<Record<ImageStatus, { readonly data?: true; readonly steps: readonly ImageStatus[] }>> = {
	queued: { steps: [] },
	saving: { steps: ['saving'] },
	uploading: { steps: ['uploading'] },
	importing: { steps: ['importing'] },
	active: { data: true, steps: [] },
	deactivated: { data: true, steps: ['deactivated'] },
	pending_delete: { data: true, steps: ['pending_delete'] },
	killed: { steps: ['saving', 'killed'] },
	deleted: { steps: ['deleted'] },
};
const STATUSES = Object.keys(BEGINNINGS) as ImageStatus[];

interface Ask {
	readonly method: string;
	readonly path: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
}

const PATCH_TYPE = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
const patch = (op: object): Pick<Ask, 'method' | 'headers' | 'body'> => ({
	method: 'PATCH',
	headers: PATCH_TYPE,
	body: JSON.stringify([op]),
});

const OPERATIONS: readonly ((image: string, text: string, id: string) => Ask)[] = [
	(image, text) => ({ method: 'PUT', path: `${image}/file`, headers: OCTETS, body: text }),
	(image, text) => ({
		method: 'PUT',
		path: `${image}/file`,
		headers: { ...OCTETS, 'x-openstack-image-size': '999' },
		body: text,
	}),
	(image, text) => ({ method: 'PUT', path: `${image}/stage`, headers: OCTETS, body: text }),
	(image) => ({ method: 'GET', path: `${image}/file` }),
	(image) => ({ method: 'DELETE', path: image }),
	(image) => ({ method: 'POST', path: `${image}/actions/deactivate` }),
	(image) => ({ method: 'POST', path: `${image}/actions/reactivate` }),
	(image, text) => ({ path: image, ...patch({ op: 'replace', path: '/name', value: text }) }),
	(image) => ({ path: image, ...patch({ op: 'replace', path: '/disk_format', value: 'ploop' }) }),
	(image) => ({ path: image, ...patch({ op: 'replace', path: '/status', value: 'queued' }) }),
	(image) => ({ path: image, ...patch({ op: 'replace', path: '/locations', value: [] }) }),
	(image) => ({ method: 'PUT', path: `${image}/tags/t` }),
	(image) => ({ method: 'DELETE', path: `${image}/tags/t` }),
	(_image, text, id) => ({ method: 'POST', path: '/v2/images', body: JSON.stringify({ id, name: text }) }),
];

describe('the data of an image', () => {
	let api: ApiServer;
	const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
	const histories = new Map<string, ImageStatus[]>();
	before(async () => {
		api = await startApi();
		api.catalogue.follow(({ images }) => {
			for (const id of images) histories.get(id)?.push(api.catalogue.image(id)?.status ?? 'deleted');
		});
	});
	after(async () => {
		agent.destroy();
		await api[Symbol.asyncDispose]();
	});

	async function ask({ method, path, headers = {}, body }: Ask): Promise<Reply> {
		const bytes = body === undefined ? undefined : Buffer.from(body);
		const response = await new Promise<IncomingMessage>((resolve, reject) => {
			const request = httpRequest(`${api.url}${path}`, {
				method,
				agent,
				headers: { ...(bytes && { 'content-length': bytes.length }), ...headers },
			});
			request.once('response', resolve).on('error', reject);
			request.end(bytes);
		});
		return replyOf(response);
	}

	async function begin(status: ImageStatus, text: string): Promise<string> {
		const { data, steps } = BEGINNINGS[status];
		const id = data ? await api.active(Buffer.from(text)) : await api.queued();
		for (const step of steps) {
			if (step === 'deleted') await api.ask('DELETE', `/v2/images/${id}`);
			else await api.catalogue.commit([{ type: 'image.status', id, status: step }]);
		}
		return id;
	}

	/** One client: operations one after the other; what it uploaded successfully, and what it read. */
	async function client(id: string, random: Random, name: string, found: { given: string[]; read: string[] }): Promise<void> {
		for (let turn = 0; turn < OPERATIONS_EACH; turn += 1) {
			const at = random.between(0, OPERATIONS.length - 1);
			const text = `${name} ${turn}`;
			const operation = OPERATIONS[at]?.(`/v2/images/${id}`, text, id);
			assert.ok(operation !== undefined);
			const { status, text: answer } = await ask(operation);
			assert.ok(status < 500, `${operation.method} ${operation.path} is ${status}: ${answer}`);
			if (at <= 1 && status === 204) found.given.push(text);
			if (at === 3 && status === 200) found.read.push(answer);
			if (at >= 9 && at <= 10) assert.ok(status >= 400, `${operation.body} was taken`);
		}
	}

	it(`is given once and stays, in ${STORIES} stories`, async () => {
		const total = { given: 0, read: 0, changes: 0 };
		for (let seed = 0; seed < STORIES; seed += 1) {
			// every other story begins where data can be given
			const status = (seed % 2 === 0 ? 'queued' : STATUSES[((seed - 1) / 2) % STATUSES.length]) ?? 'queued';
			const first = `first ${seed}`;
			const id = await begin(status, first);
			const history: ImageStatus[] = [status];
			histories.set(id, history);
			const found = { given: BEGINNINGS[status].data ? [first] : [], read: [] as string[] };
			await Promise.all(
				Array.from({ length: CLIENTS }, (_, n) => client(id, seededRandom(seed * CLIENTS + n), `${seed} ${n}`, found)),
			);
			histories.delete(id);
			const story = `seed ${seed} from ${status}: ${history.join(' → ')}`;
			for (const [at, next] of history.entries()) {
				const before = history[at - 1] ?? next;
				assert.ok(before === next || MAY_FOLLOW[before].split(' ').includes(next), story);
			}
			assert.ok(found.given.length <= 1, `${story}: given ${found.given.join(' and ')}`);
			for (const text of found.read) assert.equal(text, found.given[0], story);
			total.given += BEGINNINGS[status].data ? 0 : found.given.length;
			total.read += found.read.length;
			total.changes += history.length - 1;
		}
		for (const [what, count] of Object.entries(total))
			assert.ok(count > STORIES / 20, `${what}: ${count}, these stories tell nothing`);
	});

	it('is never given to an image that has some, or had', async () => {
		for (const [status, expected] of [
			['active', 409],
			['deactivated', 409],
			['saving', 409],
			['uploading', 409],
			['importing', 409],
			['killed', 409],
			['deleted', 404],
		] as const) {
			const id = await begin(status, 'first');
			const { status: answer } = await ask({ method: 'PUT', path: `/v2/images/${id}/file`, headers: OCTETS, body: 'second' });
			assert.equal(answer, expected, status);
		}
	});
});
