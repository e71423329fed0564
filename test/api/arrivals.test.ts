/** What comes in must be what it claims to be, be safe, and be what was signed: on upload, and before an import is stored. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { buildArrivals } from '#domain/arrivals.ts';
import { ImageError } from '#domain/errors.ts';
import type { Signatures } from '#domain/ports/signatures.ts';
import { createInspector } from '#inspection/inspector.ts';
import { silentLog } from '#lib/log.ts';
import { openMemory } from '#store/drivers/memory.ts';
import { type ApiServer, OCTETS, startApi } from '../support/api-server.ts';
import { be32, be64, fixedVhd, iso, joined, MiB, patched, qcow2 } from '../support/disk-images.ts';
import { STRICT } from '../support/inspecting.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { testSite } from '../support/onion.ts';
import { sourceOf } from '../support/store-driver-suite.ts';
import { testStore, testStores } from '../support/test-store.ts';

const RAW = randomBytes(2 * MiB);
const BACKED = patched(qcow2({ size: 3 * MiB }), 8, joined(be64(600), be32(7)));

/** Whoever says that he signs with `good` does. */
const signatures: Signatures = {
	async begin({ img_signature: signature, img_signature_certificate_uuid: certificate }) {
		if (signature === undefined) return undefined;
		if (certificate === undefined) throw new ImageError('invalid', 'there is no such certificate');
		let bytes = 0;
		return {
			feed(chunk) {
				bytes += chunk.length;
			},
			verify() {
				assert.equal(bytes, RAW.length);
				if (signature !== 'good') throw new ImageError('invalid', 'the signature is not one of these bytes');
			},
		};
	},
};

async function guarded() {
	const data = memoryImageData();
	const [near, far] = [testStore('near', await openMemory()), testStore('far', await openMemory())];
	const stores = testStores([near, far]);
	const arrivals = buildArrivals({ createInspector, rules: { ...STRICT, maxVirtualSize: 64 * MiB }, signatures, log: silentLog });
	const api = await startApi({ site: await testSite({ arrivals, data, stores }), api: { showMultipleLocations: true } });
	const place = async (bytes: Uint8Array) =>
		(await far.put(randomUUID(), sourceOf(Buffer.from(bytes)), { signal: AbortSignal.timeout(10_000) })).location;
	return { data, api, place };
}

const upload = (api: ApiServer, id: string, body: Uint8Array) =>
	api.ask('PUT', `/v2/images/${id}/file`, { headers: OCTETS, body });

async function imported(api: ApiServer, id: string, body: Uint8Array) {
	await api.ask('PUT', `/v2/images/${id}/stage`, { headers: OCTETS, body });
	await api.ask('POST', `/v2/images/${id}/import`, { body: { method: { name: 'glance-direct' } } });
	await api.executor.idle();
	return (await api.ask('GET', `/v2/images/${id}/tasks`)).json.tasks[0];
}

const GOOD: readonly (readonly [format: string, bytes: Uint8Array, virtualSize: number])[] = [
	['raw', RAW, RAW.length],
	['qcow2', qcow2({ size: 3 * MiB }), 3 * MiB],
	['vhd', fixedVhd(), MiB],
	['iso', iso(), iso().length],
];
const BAD: readonly (readonly [claim: string, format: string, bytes: Uint8Array])[] = [
	['raw bytes that claim to be qcow2', 'qcow2', RAW],
	['an iso that claims to be qcow2', 'qcow2', iso()],
	['a qcow2 with a backing file', 'qcow2', BACKED],
	['the same that claims to be raw', 'raw', BACKED],
];

describe('bytes on their way in', () => {
	for (const [format, bytes, virtualSize] of GOOD)
		it(`of ${format} tell the size of the disk inside`, async () => {
			const { api } = await guarded();
			await using _api = api;
			const [whole, staged] = [await api.queued({ disk_format: format }), await api.queued({ disk_format: format })];
			assert.equal((await upload(api, whole, bytes)).status, 204);
			assert.equal((await imported(api, staged, bytes)).status, 'success');
			for (const id of [whole, staged]) {
				const { status, virtual_size } = (await api.ask('GET', `/v2/images/${id}`)).json;
				assert.deepEqual([status, virtual_size], ['active', virtualSize]);
			}
		});
	for (const [claim, format, bytes] of BAD)
		it(`are refused: ${claim}`, async () => {
			const { api, data } = await guarded();
			await using _api = api;
			const [whole, staged] = [await api.queued({ disk_format: format }), await api.queued({ disk_format: format })];
			assert.equal((await upload(api, whole, bytes)).status, 415);
			const task = await imported(api, staged, bytes);
			assert.equal(task.status, 'failure');
			assert.match(task.message, /content is/);
			for (const id of [whole, staged]) assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.status, 'queued');
			assert.equal(data.contents.size, 0);
		});
	for (const [what, bytes, ...expected] of [
		['good', qcow2({ size: 3 * MiB }), 'success', 3 * MiB, 'centre,far,near'],
		['bad', BACKED, 'failure', null, 'far'],
	] as const)
		it(`that lie at a place are looked at before they are copied: ${what} ones`, async () => {
			const { api, place } = await guarded();
			await using _api = api;
			const id = await api.queued({ disk_format: 'qcow2' });
			const value = { url: await place(bytes), metadata: { store: 'far' } };
			const headers = { 'content-type': 'application/openstack-images-v2.1-json-patch' };
			const placed = await api.ask('PATCH', `/v2/images/${id}`, { headers, body: [{ op: 'add', path: '/locations/-', value }] });
			assert.deepEqual([placed.status, placed.json.virtual_size], [200, null]);
			await api.ask('POST', `/v2/images/${id}/import`, { body: { method: { name: 'copy-image' }, stores: ['near'] } });
			await api.executor.idle();
			const [task] = (await api.ask('GET', `/v2/images/${id}/tasks`)).json.tasks;
			const image = (await api.ask('GET', `/v2/images/${id}`)).json;
			assert.deepEqual([task.status, image.virtual_size, image.stores.split(',').toSorted().join()], expected);
			assert.equal(image.status, 'active');
		});
	it('are not looked into within another container', async () => {
		const { api } = await guarded();
		await using _api = api;
		const id = await api.queued({ disk_format: 'qcow2', container_format: 'ovf' });
		assert.equal((await upload(api, id, RAW)).status, 204);
		assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.virtual_size, null);
	});
	it('with too large a disk inside are refused as too large', async () => {
		const { api } = await guarded();
		await using _api = api;
		const id = await api.queued({ disk_format: 'qcow2' });
		assert.equal((await upload(api, id, qcow2({ size: 65 * MiB }))).status, 413);
	});
	it('that are signed must be what was signed', async () => {
		const { api, data } = await guarded();
		await using _api = api;
		const certificate = { img_signature_certificate_uuid: 'c' };
		const good = await api.queued({ img_signature: 'good', ...certificate });
		assert.equal((await upload(api, good, RAW)).status, 204);
		await api.ask('DELETE', `/v2/images/${good}`);
		const bad = await api.queued({ img_signature: 'bad', ...certificate });
		assert.equal((await upload(api, bad, RAW)).status, 400);
		const staged = await api.queued({ img_signature: 'bad', ...certificate });
		assert.equal((await imported(api, staged, RAW)).status, 'failure');
		const unknown = await api.queued({ img_signature: 'good' });
		const answer = await upload(api, unknown, RAW);
		assert.deepEqual([answer.status, /no such certificate/.test(answer.text)], [400, true]);
		for (const id of [bad, staged, unknown]) assert.equal((await api.ask('GET', `/v2/images/${id}`)).json.status, 'queued');
		assert.equal(data.contents.size, 0);
	});
});
