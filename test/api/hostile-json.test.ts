/** Bodies that are JSON and no request: prototypes, depths, lengths, numbers, halves of characters. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ApiServer, startApi } from '../support/api-server.ts';

const V21 = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
const MIB = 1024 * 1024;

// whoever reaches for it while a request is served, fails it
Object.freeze(Object.prototype);
Object.freeze(Array.prototype);

describe('a hostile body', () => {
	let api: ApiServer;
	let id: string;
	before(async () => {
		api = await startApi();
		id = await api.queued();
	});
	after(() => api[Symbol.asyncDispose]());

	const nest = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
	const CREATIONS: readonly (readonly [what: string, body: string, status: number])[] = [
		['__proto__', '{"__proto__": "x"}', 400],
		['__proto__ as an object', '{"__proto__": {"admin": true}}', 400],
		['an escaped __proto__', '{"\\u005f_proto__": "x"}', 400],
		['constructor', '{"constructor": {"prototype": {"admin": true}}}', 400],
		['constructor as text', '{"constructor": "x", "toString": "y", "hasOwnProperty": "z", "valueOf": "v"}', 201],
		['prototype in an array', '{"tags": {"__proto__": ["x"], "length": 1, "0": "x"}}', 400],
		['an array like object', '{"tags": {"length": 1000000000}}', 400],
		['33 levels', `{"a": ${nest(32)}}`, 400],
		['a hundred thousand levels', `{"a": ${nest(100_000)}}`, 413],
		['a key of 1 MiB', `{"${'k'.repeat(MIB)}": "x"}`, 413],
		['a key of 60 KiB', `{"${'k'.repeat(60 * 1024)}": "x"}`, 400],
		['a key twice, the last counts', '{"name": 3, "name": "last"}', 201],
		['a key twice, the last is bad', '{"name": "first", "name": 3}', 400],
		['2⁶³', '{"min_ram": 9223372036854775808}', 400],
		['beyond all numbers', '{"min_ram": 1e999}', 400],
		['less than nothing', '{"min_ram": -0.0000001}', 400],
		['a fraction', '{"min_disk": 1.5}', 400],
		['minus zero', '{"min_disk": -0}', 201],
		['a whole float', '{"min_disk": 1.0}', 201],
		['no number', '{"min_ram": NaN}', 400],
		['a number of 10,000 digits', `{"min_ram": ${'9'.repeat(10_000)}}`, 400],
		['half a pair', '{"name": "\\ud83d"}', 400],
		['the halves in the wrong order', '{"name": "\\ude00\\ud83d"}', 400],
		['half a pair in a key', '{"\\ud83d": "x"}', 400],
		['a null character', '{"name": "a\\u0000b"}', 400],
		['a byte order mark', '\ufeff{"name": "x"}', 201],
		['two documents', '{}{}', 400],
		['a comment', '{/**/}', 400],
		['a comma too many', '{"name": "x",}', 400],
		['single quotes', "{'name': 'x'}", 400],
		['a control character', '{"name": "a\nb"}', 400],
		['null', 'null', 400],
		['text', '"x"', 400],
		['an array', '[]', 400],
		['white space', ' \n\t ', 400],
		['10,000 keys', JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`k${n}`, '']))), 413],
	];
	for (const [what, body, status] of CREATIONS)
		it(`${what}: ${status}`, async () => {
			const reply = await api.ask('POST', '/v2/images', { body: Buffer.from(body) });
			assert.equal(reply.status, status, reply.text);
			assert.equal((await api.ask('GET', `/v2/images/${id}`)).status, 200);
		});
	it('keeps the last of two equal keys, and names of object methods as ordinary names', async () => {
		const body = Buffer.from('{"name": "first", "constructor": "c", "toString": "t", "__defineGetter__": "d", "name": "last"}');
		const { json } = await api.ask('POST', '/v2/images', { body });
		const shown = (await api.ask('GET', `/v2/images/${json.id}`)).json;
		assert.deepEqual([shown.name, shown.constructor, shown.toString, shown.__defineGetter__], ['last', 'c', 't', 'd']);
		for (const query of ['constructor=c', 'toString=t', '__defineGetter__=d'])
			assert.equal((await api.ask('GET', `/v2/images?${query}`)).json.images.length, 1, query);
		for (const query of ['__proto__=x', 'hasOwnProperty=x', 'constructor=Object'])
			assert.equal((await api.ask('GET', `/v2/images?${query}`)).json.images.length, 0, query);
	});

	const op = (path: string, value: string) => `[{"op": "add", "path": ${JSON.stringify(path)}, "value": ${value}}]`;
	const PATCHES: readonly (readonly [what: string, body: string, status: number])[] = [
		['__proto__ as a path', op('/__proto__', '"x"'), 400],
		['__proto__ below a path', op('/__proto__/admin', '"x"'), 400],
		['__proto__ as a key', '[{"op": "add", "path": "/x", "value": "y", "__proto__": {"value": "z"}}]', 200],
		['a value by inheritance', '[{"op": "add", "path": "/x", "__proto__": {"value": "z"}}]', 400],
		['an operation by inheritance', '[{"__proto__": {"op": "add", "path": "/x", "value": "z"}}]', 400],
		['constructor as an operation', '[{"op": "constructor", "path": "/x"}]', 400],
		['an operation that is an object', '[{"op": {"toString": "add"}, "path": "/x"}]', 400],
		['a path that is an array', '[{"op": "add", "path": ["/x"], "value": "y"}]', 400],
		['a hundred thousand levels', `[{"op": "add", "path": "/x", "value": ${nest(100_000)}}]`, 400],
		['a hundred thousand arrays', nest(100_000), 400],
		['a path of 200 KiB', op(`/${'x'.repeat(200 * 1024)}`, '"y"'), 400],
		['a path of 100,000 parts', op('/x'.repeat(100_000), '"y"'), 400],
		['a path of 100,000 escapes', op(`/${'~1'.repeat(100_000)}`, '"y"'), 400],
		['a body of 1 MiB', `[${' '.repeat(MIB)}]`, 413],
		['5,000 operations on one name', JSON.stringify(Array(4000).fill({ op: 'replace', path: '/name', value: 'n' })), 200],
		['2⁵³ + 1', op('/min_ram', '9007199254740993'), 400],
	];
	for (const [what, body, status] of PATCHES)
		it(`in a patch, ${what}: ${status}`, async () => {
			const reply = await api.ask('PATCH', `/v2/images/${id}`, { headers: V21, body: Buffer.from(body) });
			assert.equal(reply.status, status, reply.text.slice(0, 500));
			assert.ok(reply.text.length < 20_000, 'an error that repeats what it was sent');
		});
});
