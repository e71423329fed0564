/** A full disk refuses uploads and nothing else. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createFleet } from '../support/fleet.ts';
import { createImageClient } from '../support/image-client.ts';
import { startNode } from '../support/node-process.ts';
import { sampleContent } from '../support/sample-content.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const MIB = 1024 * 1024;
const run = promisify(execFile);

/** A file system of `sizeMiB` in memory, or why there is none. */
async function tmpfs(dir: string, sizeMiB: number): Promise<({ readonly path: string } & AsyncDisposable) | string> {
	if (process.getuid?.() !== 0) return 'needs root to mount a tmpfs';
	const path = join(dir, 'tmpfs');
	await mkdir(path);
	try {
		await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'sundog-test', path]);
	} catch (error) {
		return `tmpfs cannot be mounted here: ${(error as Error).message.trim()}`;
	}
	return { path, [Symbol.asyncDispose]: async () => void (await run('umount', [path])) };
}

async function freeBytes(path: string): Promise<number> {
	const { bavail, bsize } = await statfs(path);
	return bavail * bsize;
}

test('a full disk answers 413, keeps nothing of the upload, serves on, and takes uploads again after a delete', async (t) => {
	await using dir = await temporaryDir();
	const disk = await tmpfs(dir.path, 96);
	if (typeof disk === 'string') {
		t.skip(disk);
		return;
	}
	await using _mounted = disk;
	await using node = await startNode({ dataDir: join(disk.path, 'data') });
	using client = createImageClient(node.http);
	const first = sampleContent('fits', 30 * MIB);
	const kept = await client.add(first);
	const freeBefore = await freeBytes(disk.path);

	for (const contentLength of [undefined, null] as const) {
		const { id } = await client.create();
		const answer = await client.upload(id, sampleContent('too much', 128 * MIB), contentLength === null ? { contentLength } : {});
		assert.equal(answer.status, 413, answer.body);
		assert.equal((await client.until(id, 'queued again', ({ status }) => status === 'queued')).size, null);
		assert.equal((await client.download(kept.id)).sha512, first.sha512());
		assert.equal((await client.call('GET', '/healthcheck')).status, 200);
		assert.equal((await client.remove(id)).status, 204);
	}
	assert.ok((await freeBytes(disk.path)) > freeBefore - 4 * MIB, 'nothing of the refused uploads stays');

	assert.equal((await client.remove(kept.id)).status, 204);
	const second = sampleContent('fits now', 50 * MIB);
	const { id } = await client.create();
	assert.equal((await client.upload(id, second)).status, 204);
	assert.equal((await client.download(id)).sha512, second.sha512());
});

test('an edge whose disk fills up while it fetches gives exact bytes or a clean end, and lives on', async (t) => {
	await using dir = await temporaryDir();
	const disk = await tmpfs(dir.path, 48);
	if (typeof disk === 'string') {
		t.skip(disk);
		return;
	}
	await using _mounted = disk;
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris', { dataDir: join(disk.path, 'data') });
	const content = sampleContent('larger than paris', 96 * MIB);
	const { id } = await centre.client.add(content);
	await paris.client.until(id, 'active at paris', ({ status }) => status === 'active');
	const saved = await paris.client.download(id).catch((error: Error) => error);
	if (!(saved instanceof Error) && saved.status === 200) assert.equal(saved.sha512, content.sha512());
	t.diagnostic(saved instanceof Error ? `broken off: ${saved.message}` : `status ${saved.status}, ${saved.size} bytes`);
	assert.equal((await paris.client.call('GET', '/healthcheck')).status, 200);
	assert.equal((await centre.client.download(id)).sha512, content.sha512());
});
