import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Jail } from '#imports/jail.ts';
import { importPlugins } from '#imports/plugins/index.ts';
import { pluginContext, stagedBytes, subjectOf } from '../support/staged.ts';

const options = {
	maxBytes: 1024,
	conversionFormat: 'raw',
	inject: { origin: 'imported', os_glance_stage_host: 'http://elsewhere' },
	injectIgnoreRoles: ['admin', 'Builder'],
	inspect: async () => ({ format: 'raw' }),
	jail: {} as Jail,
} as const;

async function changes(roles: readonly string[], inject: Readonly<Record<string, string>> = options.inject) {
	const [plugin] = importPlugins(['inject_image_metadata'], { ...options, inject });
	const outcome = await plugin?.run(subjectOf(stagedBytes(Buffer.from('x')), {}, roles), pluginContext());
	return outcome;
}

test('properties are injected, and none that tasks keep for themselves', async () => {
	assert.deepEqual(await changes(['member']), { changes: { properties: { origin: 'imported' } } });
	assert.deepEqual(await changes([]), { changes: { properties: { origin: 'imported' } } });
});

test('not for callers with an ignored role, however it is written', async () => {
	assert.deepEqual(await changes(['member', 'admin']), {});
	assert.deepEqual(await changes(['builder']), {});
});

test('nothing to inject is no change', async () => {
	assert.deepEqual(await changes(['member'], {}), {});
	assert.deepEqual(await changes(['member'], { os_glance_x: '1' }), {});
});

test('plugins run in the order of their names, and the same one as often as it is named', async () => {
	const plugins = importPlugins(['no_op', 'image_decompression', 'no_op'], options);
	assert.equal(plugins.length, 3);
	const outcomes = await Promise.all(
		plugins.map((plugin) => plugin.run(subjectOf(stagedBytes(Buffer.from('x'))), pluginContext())),
	);
	assert.deepEqual(outcomes, [{}, {}, {}]);
});
