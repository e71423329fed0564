import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { test } from 'node:test';
import { openContent } from '../support/open-content.ts';

test('a store whose folder is there can take bytes; one whose folder went away says so', async () => {
	await using content = await openContent();
	await content.store.check();
	await rename(content.path, `${content.path}-gone`);
	await assert.rejects(content.store.check(), { code: 'ENOENT' });
	await rename(`${content.path}-gone`, content.path);
	await content.store.check();
});
