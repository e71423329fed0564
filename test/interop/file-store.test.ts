/** The file store and Debian's Glance in one folder: each reads, and lets go, what the other has written. */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { StoreDriver } from '#store/driver.ts';
import { filesystemSettings } from '#store/drivers/filesystem/options.ts';
import { openFilesystem } from '#store/drivers/filesystem.ts';
import { patternBytes } from '../support/pattern.ts';
import { openReference } from '../support/reference.ts';
import { collect, digestOf, rejectsWith, signal, sourceOf } from '../support/store-driver-suite.ts';

const MiB = 1024 * 1024;
const call = { signal };
const reference = await openReference();
after(async () => {
	if (reference.missing === false) await reference.cloud[Symbol.asyncDispose]();
});

async function ask(method: string, path: string, body?: string | Uint8Array<ArrayBuffer>, type?: string): Promise<Response> {
	assert.ok(reference.missing === false);
	const { cloud } = reference;
	const headers = { 'x-auth-token': await cloud.token('admin'), ...(type && { 'content-type': type }) };
	const response = await fetch(`${cloud.glance}/v2${path}`, { method, headers, ...(body !== undefined && { body }) });
	if (!response.ok) assert.fail(`${method} ${path}: ${response.status} ${await response.text()}`);
	return response;
}

interface GlanceImage {
	readonly id: string;
	/** file:///folder/<id> */
	readonly direct_url: string;
}

/** An image of Glance's own with these bytes. */
async function upload(bytes: Uint8Array): Promise<GlanceImage> {
	const draft = JSON.stringify({ name: 'file store', disk_format: 'raw', container_format: 'bare' });
	const { id } = (await (await ask('POST', '/images', draft, 'application/json')).json()) as GlanceImage;
	await ask('PUT', `/images/${id}/file`, new Uint8Array(bytes), 'application/octet-stream');
	return (await (await ask('GET', `/images/${id}`)).json()) as GlanceImage;
}

async function download(id: string): Promise<Uint8Array> {
	return new Uint8Array(await (await ask('GET', `/images/${id}/file`)).arrayBuffer());
}

/** A driver on the folder where Glance keeps this image. */
function beside({ direct_url }: GlanceImage, more: Readonly<Record<string, string>> = {}): Promise<StoreDriver> {
	const folder = dirname(fileURLToPath(direct_url));
	return openFilesystem(filesystemSettings({ filesystem_store_datadir: folder, ...more }));
}

/** Zeros at both ends and in the middle. */
function withZeros(seed: number): Uint8Array {
	const bytes = patternBytes(5 * MiB + 123, seed);
	return bytes
		.fill(0, 0, 100_000)
		.fill(0, 2 * MiB, 4 * MiB)
		.fill(0, 5 * MiB);
}

describe('the file store beside Glance', { skip: reference.missing }, () => {
	it('reads what Glance has written, by the location that Glance gave it', async () => {
		for (const bytes of [patternBytes(3 * MiB + 7), withZeros(2), patternBytes(1)]) {
			const image = await upload(bytes);
			await using driver = await beside(image);
			assert.equal(driver.locate(image.id), image.direct_url);
			assert.deepEqual(await driver.stat(image.direct_url, call), { size: bytes.length });
			assert.equal(digestOf(await collect(driver, image.direct_url, 'whole')), digestOf(bytes));
			const end = Math.min(bytes.length, MiB + 1);
			assert.equal(digestOf(await collect(driver, image.direct_url, { start: 1, end })), digestOf(bytes.subarray(1, end)));
			const listed = (await Array.fromAsync(driver.list!(call))).filter(({ key }) => key === image.id);
			assert.deepEqual(listed, [{ key: image.id, location: image.direct_url, size: bytes.length }]);
			await ask('DELETE', `/images/${image.id}`);
			await rejectsWith('not-found', driver.stat(image.direct_url, call));
		}
	});

	for (const [kind, more] of Object.entries({ whole: {}, 'with holes': { filesystem_thin_provisioning: 'true' } }))
		it(`writes files, ${kind}, that Glance reads and lets go`, async () => {
			const ours = withZeros(3);
			// of the same bytes: Glance compares what it gives with the checksum that it knows
			const image = await upload(ours);
			await using driver = await beside(image, more);
			await driver.remove(image.direct_url, call);
			assert.equal((await download(image.id)).length, 0, 'Glance gives bytes that are not there');
			const { location } = await driver.put(image.id, sourceOf(ours), call);
			assert.equal(location, image.direct_url);
			assert.equal(digestOf(await download(image.id)), digestOf(ours));
			await ask('DELETE', `/images/${image.id}`);
			await rejectsWith('not-found', driver.stat(location, call));
		});
});
