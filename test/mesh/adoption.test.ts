/** What an operator does with a store that was there before, and with what was deleted: by the command line, on a whole node. */
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { qed } from '../support/disk-images.ts';
import { createFleet, type Fleet } from '../support/fleet.ts';
import { runSundog } from '../support/node-process.ts';
import { openReference } from '../support/reference.ts';
import { sampleContent } from '../support/sample-content.ts';

const MiB = 1024 * 1024;
const reference = await openReference();
after(async () => {
	if (reference.missing === false) await reference.cloud[Symbol.asyncDispose]();
});

/** A node whose only store is a folder of the test's. */
async function nodeOn(fleet: Fleet, env: Readonly<Record<string, string>> = {}) {
	const folder = join(fleet.dir, 'glance');
	await mkdir(folder);
	const member = await fleet.centre({ env: { SUNDOG_STORE_FILE_DIR: folder, ...env } });
	const sundog = async (...args: readonly string[]) => {
		const { code, stdout, stderr } = await runSundog(args, { SUNDOG_DATA_DIR: member.node.dataDir });
		return { code, lines: stdout.trimEnd().split('\n'), stderr };
	};
	return { folder, sundog, client: member.client, http: member.node.http };
}

test('store adopt tells of every object and counts them, and may be run again', async () => {
	await using fleet = await createFleet();
	const { folder, sundog, client } = await nodeOn(fleet);
	const [good, bad] = [randomUUID(), randomUUID()];
	const bytes = randomBytes(3 * MiB + 1);
	await writeFile(join(folder, good), bytes);
	await writeFile(join(folder, bad), qed());
	await writeFile(join(folder, 'notes.txt'), 'of the operator');

	const dry = await sundog('store', 'adopt', 'file', '--owner', 'p', '--dry-run');
	assert.equal(dry.code, 0, dry.stderr);
	assert.ok(dry.lines.includes(`would adopt ${good}: ${bytes.length} bytes`));
	assert.equal((await client.call('GET', `/v2/images/${good}`)).status, 404);

	const first = await sundog('store', 'adopt', 'file', '--owner', 'p', '--visibility', 'community');
	assert.equal(first.code, 0, first.stderr);
	assert.ok(first.lines.includes(`adopted ${good}: raw, ${bytes.length} bytes`), first.lines.join());
	assert.match(first.lines.join('\n'), new RegExp(`^skipped ${bad}: .*qed`, 'm'));
	assert.deepEqual(first.lines.slice(-3), ['adopted           1', 'known             0', 'skipped: refused  1']);
	const again = await sundog('store', 'adopt', 'file', '--owner', 'p');
	assert.deepEqual(again.lines.slice(-3), ['adopted           0', 'known             1', 'skipped: refused  1']);

	const image = JSON.parse((await client.call('GET', `/v2/images/${good}`)).body);
	assert.deepEqual([image.owner, image.visibility, image.status, image.stores], ['p', 'community', 'active', 'file']);
	assert.equal((await client.call('DELETE', `/v2/images/${good}`)).status, 204);
	assert.deepEqual((await readdir(folder)).toSorted(), [bad, 'notes.txt'].toSorted());

	const unknown = await sundog('store', 'adopt', 'nowhere');
	assert.equal(unknown.code, 1);
	assert.match(unknown.stderr, /there is no store nowhere on this node/);
	assert.equal((await sundog('store', 'adopt', 'file', '--visibility', 'secret')).code, 2);
});

test("the folder of Debian's Glance is adopted with its hashes", { skip: reference.missing }, async () => {
	assert.ok(reference.missing === false);
	const { glance, token } = reference.cloud;
	const ask = async (method: string, path: string, body?: string | Uint8Array<ArrayBuffer>, type = 'application/json') => {
		const headers = { 'x-auth-token': await token('admin'), 'content-type': type };
		const response = await fetch(`${glance}/v2${path}`, { method, headers, ...(body !== undefined && { body }) });
		assert.ok(response.ok, `${method} ${path}: ${response.status}`);
		return response.text();
	};
	const upload = async (bytes: Buffer) => {
		const draft = JSON.stringify({ name: 'adopted', disk_format: 'raw', container_format: 'bare' });
		const { id } = JSON.parse(await ask('POST', '/images', draft));
		await ask('PUT', `/images/${id}/file`, new Uint8Array(bytes), 'application/octet-stream');
		return JSON.parse(await ask('GET', `/images/${id}`));
	};
	await using fleet = await createFleet();
	const { folder, sundog, client, http } = await nodeOn(fleet);
	const theirs = new Map<string, Record<string, unknown>>();
	for (const size of [1, 2 * MiB, 5 * MiB + 123]) {
		const image = await upload(randomBytes(size));
		theirs.set(image.id, image);
		// the cloud is everybody's: what is adopted is let go again
		const path = fileURLToPath(image.direct_url);
		await copyFile(path, join(folder, basename(path)));
		await ask('DELETE', `/images/${image.id}`);
	}
	const { code, stderr } = await sundog('store', 'adopt', 'file', '--owner', 'p');
	assert.equal(code, 0, stderr);
	for (const [id, image] of theirs) {
		const ours = JSON.parse((await client.call('GET', `/v2/images/${id}`)).body);
		for (const field of ['size', 'checksum', 'os_hash_algo', 'os_hash_value']) assert.equal(ours[field], image[field], field);
		const download = await fetch(`${http}/v2/images/${id}/file`);
		const digest = createHash('md5').update(new Uint8Array(await download.arrayBuffer()));
		assert.equal(digest.digest('hex'), image.checksum);
	}
});

test('image deleted lists what waits, and image restore has it back', async () => {
	await using fleet = await createFleet();
	const env = { SUNDOG_DELETE_DELAYED: 'true', SUNDOG_DELETE_SCRUB_AFTER: '3600' };
	const { sundog, client } = await nodeOn(fleet, env);
	const { id } = await client.create({ name: 'kept a while', disk_format: 'raw' });
	await client.upload(id, sampleContent(1, 1000));
	assert.equal((await client.call('DELETE', `/v2/images/${id}`)).status, 204);
	assert.equal((await client.call('GET', `/v2/images/${id}`)).status, 404);
	const listed = await sundog('image', 'deleted');
	assert.match(listed.lines.join('\n'), new RegExp(`^${id} \\d{4}-\\S+Z \\S+ 1000 kept a while$`));
	assert.deepEqual((await sundog('image', 'restore', id)).lines, [`${id} active`]);
	assert.equal(JSON.parse((await client.call('GET', `/v2/images/${id}`)).body).status, 'active');
	assert.deepEqual((await sundog('image', 'deleted')).lines, ['']);
	const twice = await sundog('image', 'restore', id);
	assert.deepEqual([twice.code, /is active and was not deleted/.test(twice.stderr)], [1, true], twice.stderr);
	const never = await sundog('image', 'restore', randomUUID());
	assert.deepEqual([never.code, /not restored/.test(never.stderr)], [1, true], never.stderr);
});
