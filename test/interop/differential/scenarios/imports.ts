/** C 72, 73, 77, 78: bytes that are staged, and the import of them. */
import { alt, type Condition, demo, keep, reader, type Scenario, scenario, until } from '../step.ts';

const UPLOADABLE = { disk_format: 'raw', container_format: 'bare' };
const OCTETS = { 'content-type': 'application/octet-stream' };
const DIRECT = { method: { name: 'glance-direct' } };

const BAD_IMPORTS: readonly unknown[] = [
	'',
	'x',
	[],
	{},
	{ method: {} },
	{ method: 'glance-direct' },
	{ method: { name: 'nothing' } },
	{ method: { name: 5 } },
	{ ...DIRECT, all_stores: 'yes' },
	{ ...DIRECT, all_stores_must_succeed: 'yes' },
];

/** Glance lets go of the image a little after it is active. */
const isOver: Condition = (json) => json.status === 'active' && !('os_glance_import_task' in json);

export const imports: readonly Scenario[] = [
	scenario(
		'staging: bytes that wait for their import',
		[72, 73],
		[
			keep('image', demo.post('/v2/images', UPLOADABLE)),
			demo.ask('PUT', '/v2/images/$image/stage', 'x', { 'content-type': 'text/plain' }),
			alt.ask('PUT', '/v2/images/$image/stage', 'x', OCTETS),
			demo.ask('PUT', '/v2/images/$missing/stage', 'x', OCTETS),
			demo.ask('PUT', '/v2/images/$image/stage', '0123456789', OCTETS),
			demo.get('/v2/images/$image'),
			demo.ask('PUT', '/v2/images/$image/stage', 'again', OCTETS),
			demo.upload('$image', 'instead'),
			demo.download('$image'),
			demo.patch('/v2/images/$image', [{ op: 'replace', path: '/disk_format', value: 'iso' }]),
			demo.get('/v2/images/$image/stage'),
			alt.post('/v2/images/$image/import', DIRECT),
			demo.post('/v2/images/$missing/import', DIRECT),
			demo.post('/v2/images/$image/import', DIRECT),
			until(isOver, demo.get('/v2/images/$image')),
			demo.download('$image'),
			demo.post('/v2/images/$image/import', DIRECT),
		],
	),
	scenario(
		'import: what is not understood',
		[73, 78],
		[
			keep('image', demo.post('/v2/images', UPLOADABLE)),
			demo.post('/v2/images/$image/import', DIRECT),
			...BAD_IMPORTS.map((body) => demo.post('/v2/images/$image/import', body)),
			demo.get('/v2/images/$image/import'),
			demo.get('/v2/info/import'),
			reader.get('/v2/info/import'),
		],
	),
];
