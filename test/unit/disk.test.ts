import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createDisk, storageError } from '#content/disk.ts';
import { codeOf } from '#domain/errors.ts';
import { silentLog } from '#lib/log.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

test('after a failed sync no write and no other sync is taken', async () => {
	await using directory = await temporaryDir();
	const disk = createDisk(silentLog);
	await using file = await open(join(directory.path, 'file'), 'w');
	await disk.write(file, Buffer.from('before'), 0);
	const closed = await open(join(directory.path, 'closed'), 'w');
	await closed.close();
	await assert.rejects(disk.sync(closed));
	assert.throws(
		() => disk.assertWritable(),
		(error) => codeOf(error) === 'write-denied',
	);
	await assert.rejects(disk.write(file, Buffer.from('after'), 0), (error) => codeOf(error) === 'write-denied');
	await assert.rejects(disk.sync(file), (error) => codeOf(error) === 'write-denied');
});

test('failures of the file system have the house’s codes, others are passed on', () => {
	const failure = (code: string): Error => Object.assign(new Error(code), { code });
	for (const code of ['ENOSPC', 'EDQUOT', 'EFBIG']) assert.equal(codeOf(storageError(failure(code), 'it')), 'full');
	for (const code of ['EACCES', 'EPERM', 'EROFS']) assert.equal(codeOf(storageError(failure(code), 'it')), 'write-denied');
	const other = failure('EIO');
	assert.equal(storageError(other, 'it'), other);
});

test('writes that queue up, in any order and with gaps, all reach their place', async () => {
	await using directory = await temporaryDir();
	const path = join(directory.path, 'file');
	const disk = createDisk(silentLog);
	const expected = Buffer.alloc(64 * 1000);
	const places = Array.from({ length: 64 }, (_, index) => index)
		.filter((index) => index % 7 !== 3)
		.toSorted((a, b) => ((a * 37) % 64) - ((b * 37) % 64));
	await using file = await open(path, 'w');
	await file.truncate(expected.length);
	const writes = places.map((index) => {
		const bytes = randomBytes(1000);
		expected.set(bytes, index * 1000);
		return disk.write(file, bytes, index * 1000);
	});
	await Promise.all([...writes, disk.write(file, Buffer.alloc(0), 0)]);
	assert.ok((await readFile(path)).equals(expected));
});

test('a write that fails takes those with it that went together, and none that come later', async () => {
	await using directory = await temporaryDir();
	const path = join(directory.path, 'file');
	const disk = createDisk(silentLog);
	await using readOnly = await open(path, 'w').then(async (file) => {
		await file.close();
		return open(path, 'r');
	});
	const failed = await Promise.allSettled([0, 1, 2].map((index) => disk.write(readOnly, Buffer.from('x'), index)));
	assert.ok(failed.every(({ status }) => status === 'rejected'));
	await using file = await open(path, 'r+');
	await disk.write(file, Buffer.from('later'), 0);
	assert.equal(await readFile(path, 'utf8'), 'later');
});
