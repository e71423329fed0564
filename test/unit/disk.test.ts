import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
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
