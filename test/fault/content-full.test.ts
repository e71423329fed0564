/** A full disk: writes fail cleanly and leave nothing, reads go on, and space given back is used again. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { codeOf } from '#domain/errors.ts';
import { MiB } from '#lib/sizes.ts';
import { storeSource, testSources } from '../support/block-sources.ts';
import { chunks, filesUnder, openContent, put, readAll } from '../support/open-content.ts';
import { patternBytes, patternStream } from '../support/pattern.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const run = promisify(execFile);
const rejectsWith = (code: string) => (error: unknown) => codeOf(error) === code;

/** A file system of its own, or the reason why there is none. */
async function smallDisk(megabytes: number): Promise<(AsyncDisposable & { readonly path: string }) | string> {
	if (process.getuid?.() !== 0) return 'only root can mount a small file system';
	const directory = await temporaryDir();
	try {
		await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory.path]);
	} catch (error) {
		await directory[Symbol.asyncDispose]();
		return `mounting is not allowed here: ${error instanceof Error ? error.message : String(error)}`;
	}
	return {
		path: directory.path,
		async [Symbol.asyncDispose]() {
			await run('umount', ['--lazy', directory.path]);
			await directory[Symbol.asyncDispose]();
		},
	};
}

test('on a full disk an upload fails as full and leaves nothing, reads go on, and freed space is used again', {
	timeout: 60_000,
}, async (t) => {
	await using disk = await asDisk(await smallDisk(48));
	if (disk.path === undefined) return t.skip(disk.reason);
	await using content = await openContent({ path: disk.path });
	const { store } = content;
	const first = await put(store, chunks(patternBytes(10 * MiB, 1)));
	const before = await filesUnder(content.path);
	for (let round = 0; round < 3; round++)
		await assert.rejects(put(store, patternStream(60 * MiB, 65_536, 2)), rejectsWith('full'));
	assert.deepEqual(await filesUnder(content.path), before);
	assert.deepEqual(await readAll(store, first.content), Buffer.from(patternBytes(10 * MiB, 1)));
	await using second = await put(store, chunks(patternBytes(20 * MiB, 3)));
	assert.deepEqual(await readAll(store, second.content), Buffer.from(patternBytes(20 * MiB, 3)));
	await assert.rejects(put(store, patternStream(20 * MiB, 65_536, 4)), rejectsWith('full'));
	await first[Symbol.asyncDispose]();
	await store.forget(first.content.root);
	await using third = await put(store, chunks(patternBytes(9 * MiB, 4)));
	assert.equal(store.presence(third.content.root), 'complete');
});

test('a fetch onto a full disk fails as full, what came before stays readable, and it goes on when there is space', {
	timeout: 60_000,
}, async (t) => {
	await using disk = await asDisk(await smallDisk(40));
	if (disk.path === undefined) return t.skip(disk.reason);
	const bytes = Buffer.from(patternBytes(30 * MiB, 5));
	await using far = await openContent({ base: '/dev/shm' });
	const { content } = await put(far.store, chunks(bytes));
	await using near = await openContent({
		path: disk.path,
		sources: testSources(storeSource('far', far.store)),
		limits: { sessionIdleMs: 50 },
	});
	const ballast = await put(near.store, chunks(patternBytes(15 * MiB, 6)));
	await assert.rejects(near.store.complete(content, { signal: AbortSignal.timeout(20_000) }), rejectsWith('full'));
	assert.deepEqual(await readAll(near.store, ballast.content), Buffer.from(patternBytes(15 * MiB, 6)));
	await ballast[Symbol.asyncDispose]();
	await near.store.forget(ballast.content.root);
	await near.store.complete(content, { signal: AbortSignal.timeout(20_000) });
	assert.deepEqual(await readAll(near.store, content), bytes);
});

async function asDisk(
	disk: Awaited<ReturnType<typeof smallDisk>>,
): Promise<AsyncDisposable & { readonly path: string | undefined; readonly reason: string }> {
	if (typeof disk === 'string') return { path: undefined, reason: disk, [Symbol.asyncDispose]: async () => undefined };
	return { path: disk.path, reason: '', [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose]() };
}
