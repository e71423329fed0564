/** The operators' routes that answer line by line: adoption of what lies in a store, and what was deleted. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Adopter, AdoptionWish } from '#domain/adoption.ts';
import { ImageError } from '#domain/errors.ts';
import type { DeletedImages } from '#http/ports.ts';
import { type AskOptions, startApi } from '../support/api-server.ts';
import { within } from '../support/eventually.ts';

const PATH = '/admin/v1/stores/old/adoption';
const JSON_TYPE = { 'content-type': 'application/json' };
const wishing = (body: unknown): AskOptions => ({ headers: JSON_TYPE, body });
const known = { step: 'known', id: randomUUID() } as const;

const linesOf = (text: string) =>
	text
		.trimEnd()
		.split('\n')
		.map((line) => JSON.parse(line) as object);

function adopterThat(adopt: Adopter['adopt']) {
	return startApi({ adopter: { adopt } });
}

describe('adoption over HTTP', () => {
	it('tells each step as a line, and the end', async () => {
		const seen: [store: string, wish: AdoptionWish][] = [];
		await using api = await adopterThat(async (_ctx, store, wish, tell) => {
			seen.push([store, wish]);
			for (let turn = 0; turn < 1000; turn++) await tell(known);
		});
		const { status, headers, text } = await api.ask('POST', PATH, wishing({ owner: 'p', visibility: 'private', dry_run: true }));
		assert.deepEqual([status, headers['content-type']], [200, 'application/x-ndjson']);
		assert.deepEqual(linesOf(text), [...Array.from({ length: 1000 }, () => known), { end: true }]);
		await api.ask('POST', PATH, wishing({}));
		assert.deepEqual(seen, [
			['old', { owner: 'p', visibility: 'private', dryRun: true }],
			['old', { visibility: 'shared', dryRun: false }],
		]);
	});

	it('that fails before it begins is an ordinary answer, later the last line, without what is inside', async () => {
		let begun = false;
		let error: Error = new ImageError('conflict', 'an adoption of store old is running already');
		await using api = await adopterThat(async (_ctx, _store, _wish, tell) => {
			if (begun) await tell(known);
			throw error;
		});
		const { status, text } = await api.ask('POST', PATH, wishing({}));
		assert.equal(status, 409);
		assert.match(text, /is running already/);
		begun = true;
		assert.deepEqual(linesOf((await api.ask('POST', PATH, wishing({}))).text), [known, { failed: error.message }]);
		error = new TypeError('/srv/secret is undefined');
		const [, last] = linesOf((await api.ask('POST', PATH, wishing({}))).text);
		assert.deepEqual(last, { failed: 'the node has failed; its log says why' });
	});

	it('ends when the client goes', async () => {
		const ended = Promise.withResolvers<unknown>();
		await using api = await adopterThat(async (ctx, _store, _wish, tell) => {
			await tell(known);
			await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))).catch((reason) => {
				ended.resolve(reason);
				throw reason;
			});
		});
		const leaving = new AbortController();
		const response = await fetch(new URL(PATH, api.url), {
			method: 'POST',
			headers: JSON_TYPE,
			body: '{}',
			signal: leaving.signal,
		});
		assert.equal(response.status, 200);
		leaving.abort();
		assert.match(String(await within('the end of the adoption', 10_000, ended.promise)), /closed the connection/);
	});

	it('takes no wish that it does not understand', async () => {
		await using api = await adopterThat(async () => assert.fail('nothing is to be adopted'));
		const wrong = [
			{ owner: 3 },
			{ owner: '' },
			{ owner: 'a\nb' },
			{ visibility: 'secret' },
			{ dry_run: 'yes' },
			{ dryrun: true },
			[1],
		];
		for (const body of wrong) assert.equal((await api.ask('POST', PATH, wishing(body))).status, 400, JSON.stringify(body));
		assert.equal((await api.ask('POST', PATH, { headers: { 'content-type': 'text/plain' }, body: {} })).status, 415);
	});
});

describe('deleted images over HTTP', () => {
	const image = { id: randomUUID(), name: 'n', owner: null, size: 3, deleted_at: '2026-01-01T00:00:00.000Z' };
	const restored: string[] = [];
	const deleted: DeletedImages = {
		async *list() {
			yield image;
		},
		async restore(id) {
			if (id !== image.id) throw new ImageError('not-found', 'no such image');
			restored.push(id);
		},
	};

	it('are listed and had back', async () => {
		await using api = await startApi({ deleted });
		assert.deepEqual(linesOf((await api.ask('GET', '/admin/v1/images/deleted')).text), [image, { end: true }]);
		const { status, json } = await api.ask('POST', `/admin/v1/images/${image.id}/restore`);
		assert.deepEqual([status, json, restored], [200, { id: image.id, status: 'active' }, [image.id]]);
		assert.equal((await api.ask('POST', `/admin/v1/images/${randomUUID()}/restore`)).status, 404);
	});

	it('and stores are for administrators alone', async () => {
		const identity = { challenge: 'x', identify: async () => ({ user: 'u', project: 'p', roles: ['member'] }) };
		await using api = await startApi({ deleted, identity, adopter: { adopt: async () => assert.fail('for nobody') } });
		assert.equal((await api.ask('GET', '/admin/v1/images/deleted')).status, 403);
		assert.equal((await api.ask('POST', `/admin/v1/images/${image.id}/restore`)).status, 403);
		assert.equal((await api.ask('POST', PATH, wishing({}))).status, 403);
	});
});
