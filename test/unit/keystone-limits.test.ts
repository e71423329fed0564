/** Keystone's answers about limits, the odd ones included. test/interop/unified-limits.test.ts asks a real one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { Keystone, KeystoneRequest } from '#keystone/ports.ts';
import { silentLog } from '#lib/log.ts';
import { freshAnswers } from '#quota/fresh-answers.ts';
import { createKeystoneLimits } from '#quota/keystone-limits.ts';
import type { WhoseLimits } from '#quota/whose-limits.ts';
import { keptLog } from '../support/kept-log.ts';

const signal = new AbortController().signal;
const SERVICE = { id: 'service-1', name: 'glance', type: 'image' };
const registered = (resource_name: string, default_limit: unknown) => ({ resource_name, default_limit });
const limit = (resource_name: string, resource_limit: unknown, project_id = 'p') => ({
	resource_name,
	resource_limit,
	project_id,
});

const ANSWERS: Readonly<Record<string, object>> = {
	'/limits/model': { model: { name: 'flat' } },
	'/endpoints/e1': { endpoint: { service_id: 'service-1', region_id: 'north' } },
	'/services': { services: [SERVICE] },
	'/endpoints': { endpoints: [{ region_id: 'north' }, { region_id: 'north' }] },
	'/registered_limits': {
		registered_limits: [
			registered('image_size_total', 100),
			registered('image_stage_total', 50),
			registered('image_count_total', 10),
			registered('image_count_uploading', -1),
		],
	},
	'/limits': { limits: [] },
};

function keystone(changes: Readonly<Record<string, object>> = {}) {
	const asked: KeystoneRequest[] = [];
	const answers: Record<string, object> = { ...ANSWERS, ...changes };
	const port: Keystone = {
		async ask(request) {
			asked.push(request);
			const body = answers[request.path];
			return { status: body === undefined ? 404 : 200, headers: new Headers(), body };
		},
	};
	return { port, asked, answers };
}

const limitsOver = (port: Keystone, whose: Partial<WhoseLimits> = {}, log = silentLog) =>
	createKeystoneLimits({ keystone: port, whose: { serviceType: 'image', ...whose }, log });

const refused = (promise: Promise<unknown>, text: RegExp) =>
	assert.rejects(promise, (error: Error) => {
		assert.equal(codeOf(error), 'unavailable', error.message);
		assert.match(error.message, text);
		return true;
	});

describe('limits in Keystone', () => {
	it('are those registered, where the project has none of its own', async () => {
		const { port, asked } = keystone({ '/limits': { limits: [limit('image_size_total', 7), limit('image_count_total', -1)] } });
		using limits = limitsOver(port, { endpointId: 'e1' });
		const own = { image_size_total: 7, image_stage_total: 50, image_count_total: -1, image_count_uploading: -1 };
		assert.deepEqual(await limits.of('p', { signal }), own);
		const query = { service_id: 'service-1', region_id: 'north' };
		assert.deepEqual(
			asked.map(({ path, query: by, scope }) => [path, by, scope]),
			[
				['/limits/model', {}, 'system'],
				['/endpoints/e1', {}, 'system'],
				['/registered_limits', query, 'system'],
				['/limits', { ...query, project_id: 'p' }, 'system'],
			],
		);
		assert.equal((await limits.of(null, { signal })).image_size_total, 100);
		assert.deepEqual(
			asked.slice(4).map(({ path }) => path),
			['/registered_limits'],
		);
	});
	it('of another project do not count, whoever mixes them in', async () => {
		const { port } = keystone({ '/limits': { limits: [limit('image_size_total', 9000, 'q'), limit('image_size_total', 7)] } });
		using limits = limitsOver(port);
		assert.equal((await limits.of('p', { signal })).image_size_total, 7);
	});
	it('that nobody has registered are zero, and said once', async () => {
		const { port, answers } = keystone({ '/registered_limits': { registered_limits: [registered('image_size_total', 3)] } });
		const log = keptLog();
		using limits = limitsOver(port, {}, log);
		for (let times = 0; times < 3; times++)
			assert.deepEqual(Object.values(await limits.of('p', { signal })), [3, 0, 0, 0], JSON.stringify(answers));
		assert.equal(log.lines.length, 3);
	});
	it('are asked for every time: a change counts at once', async () => {
		const { port, answers } = keystone();
		using limits = limitsOver(port);
		assert.equal((await limits.of('p', { signal })).image_count_total, 10);
		answers['/limits'] = { limits: [limit('image_count_total', 2)] };
		assert.equal((await limits.of('p', { signal })).image_count_total, 2);
	});
	it('belong to the service of a name or a type, in its one region', async () => {
		const { port, asked } = keystone();
		using byType = limitsOver(port);
		await byType.of(null, { signal });
		using byName = limitsOver(port, { serviceName: 'glance', region: 'south' });
		await byName.of(null, { signal });
		assert.deepEqual(
			asked.map(({ path, query }) => [path, query]).filter(([path]) => path !== '/limits/model'),
			[
				['/services', { type: 'image' }],
				['/endpoints', { service_id: 'service-1', interface: 'public' }],
				['/registered_limits', { service_id: 'service-1', region_id: 'north' }],
				['/services', { name: 'glance' }],
				['/registered_limits', { service_id: 'service-1', region_id: 'south' }],
			],
		);
	});
	it('of a service that was made again are found under its new id', async () => {
		const { port, answers, asked } = keystone();
		using limits = limitsOver(port);
		await limits.of(null, { signal });
		const kept = answers['/registered_limits'] ?? {};
		answers['/services'] = { services: [{ ...SERVICE, id: 'service-2' }] };
		answers['/registered_limits'] = { registered_limits: [] };
		assert.equal((await limits.of(null, { signal })).image_size_total, 0);
		answers['/registered_limits'] = kept;
		assert.equal((await limits.of(null, { signal })).image_size_total, 100);
		assert.equal(asked.at(-1)?.query?.service_id, 'service-2');
	});
	for (const [what, changes, text] of [
		['a hierarchical model', { '/limits/model': { model: { name: 'strict_two_level' } } }, /strict_two_level/],
		[
			'two services of one type',
			{ '/services': { services: [SERVICE, { ...SERVICE, id: 'x' }] } },
			/2 times a service of type image/,
		],
		['no such service', { '/services': { services: [] } }, /0 times/],
		['two regions', { '/endpoints': { endpoints: [{ region_id: 'north' }, { region_id: 'south' }] } }, /2 times a region/],
		['a list that was cut', { '/limits': { limits: [], truncated: true } }, /cannot be understood/],
		['no list', { '/registered_limits': { registered_limits: 'none' } }, /cannot be understood/],
		['a limit that is no number', { '/limits': { limits: [limit('image_size_total', '7')] } }, /a limit cannot be understood/],
		['a limit below none', { '/limits': { limits: [limit('image_size_total', -2)] } }, /a limit cannot be understood/],
		['a body that is no JSON', { '/limits': 'x' as unknown as object }, /cannot be understood/],
	] as const)
		it(`are unavailable, never absent, with ${what}`, async () => {
			using limits = limitsOver(keystone(changes as unknown as Record<string, object>).port);
			await refused(limits.of('p', { signal }), text);
		});
	it('are unavailable when Keystone will not say, and are asked for again', async () => {
		const { port, answers } = keystone();
		const log = keptLog();
		using limits = limitsOver(port, { endpointId: 'e2' }, log);
		await refused(limits.of('p', { signal }), /404 for \/endpoints\/e2/);
		await refused(limits.of('p', { signal }), /404/);
		assert.equal(log.lines.length, 1);
		answers['/endpoints/e2'] = ANSWERS['/endpoints/e1'] as object;
		assert.equal((await limits.of('p', { signal })).image_size_total, 100);
	});
	it('are not waited for by who has left', async () => {
		const leaving = new AbortController();
		using limits = limitsOver({ ask: () => new Promise(() => {}) });
		const waiting = limits.of('p', { signal: leaving.signal });
		leaving.abort(new ImageError('aborted', 'the client went'));
		await assert.rejects(waiting, (error) => codeOf(error) === 'aborted');
	});
});

describe('fresh answers', () => {
	it('are never older than the question, and one is asked for at a time', async () => {
		const fresh = freshAnswers<number>();
		const open: PromiseWithResolvers<number>[] = [];
		const ask = () => {
			const answer = Promise.withResolvers<number>();
			open.push(answer);
			return answer.promise;
		};
		const first = fresh('k', signal, ask);
		const late = [fresh('k', signal, ask), fresh('k', signal, ask)];
		const other = fresh('other', signal, ask);
		assert.equal(open.length, 2);
		open[1]?.resolve(9);
		assert.equal(await other, 9);
		open[0]?.reject(new Error('no answer'));
		await assert.rejects(first, /no answer/);
		await new Promise(setImmediate);
		assert.equal(open.length, 3);
		const later = fresh('k', signal, ask);
		open[2]?.resolve(2);
		assert.deepEqual(await Promise.all(late), [2, 2]);
		await new Promise(setImmediate);
		open[3]?.resolve(3);
		assert.equal(await later, 3);
		assert.equal(open.length, 4);
	});
});
