/** C 51, 78, 99–105: tasks, the cache, and what the service says of itself. */
import {
	admin,
	alt,
	type Condition,
	demo,
	type Json,
	keep,
	nobody,
	reader,
	type Scenario,
	scenario,
	until,
	withHeaders,
} from '../step.ts';

const UPLOADABLE = { disk_format: 'raw', container_format: 'bare' };
/** Both refuse its port. */
const IMPORT = { import_from: 'http://127.0.0.1:1/x', import_from_format: 'raw', image_properties: { name: '$run' } };

const BAD_TASKS: readonly unknown[] = [
	'',
	'x',
	[],
	{},
	{ type: 'import' },
	{ input: {} },
	{ type: 'export', input: {} },
	{ type: 5, input: {} },
	{ type: 'import', input: 'x' },
	{ type: 'import', input: {}, status: 'success' },
];

const isCached: Condition = (json, values) => json.cached_images.some((each: Json) => each.image_id === values.get('image'));

export const upkeep: readonly Scenario[] = [
	scenario(
		'tasks: what is refused, and who may',
		[102],
		[
			...BAD_TASKS.map((body) => admin.post('/v2/tasks', body)),
			demo.post('/v2/tasks', { type: 'import', input: IMPORT }),
			reader.post('/v2/tasks', { type: 'import', input: IMPORT }),
			demo.get('/v2/tasks'),
			demo.get('/v2/tasks/$missing'),
			nobody.get('/v2/tasks'),
			admin.get('/v2/tasks/$missing'),
			admin.get('/v2/tasks/no-uuid'),
			admin.delete('/v2/tasks/$missing'),
			demo.delete('/v2/tasks/$missing'),
			admin.put('/v2/tasks', {}),
			admin.patch('/v2/tasks/$missing', []),
			admin.get('/v2/tasks?status=nonsense'),
			admin.get('/v2/tasks?type=export'),
			admin.get('/v2/tasks?limit=x'),
			admin.get('/v2/tasks?limit=-1'),
			admin.get('/v2/tasks?limit=0'),
			admin.get('/v2/tasks?marker=$missing'),
			admin.get('/v2/tasks?marker=no-uuid'),
			admin.get('/v2/tasks?sort_key=colour'),
			admin.get('/v2/tasks?sort_dir=up'),
		],
	),
	scenario(
		'tasks: of an image',
		[51],
		[
			keep('image', demo.post('/v2/images', UPLOADABLE)),
			demo.get('/v2/images/$image/tasks'),
			reader.get('/v2/images/$image/tasks'),
			admin.get('/v2/images/$image/tasks'),
			alt.get('/v2/images/$image/tasks'),
			demo.get('/v2/images/$missing/tasks'),
			demo.post('/v2/images/$image/tasks', {}),
			demo.ask('GET', '/v2/images/$image/tasks', '{}'),
		],
	),
	scenario(
		'cache: who may, and what is refused',
		[103],
		[
			keep('image', demo.post('/v2/images', UPLOADABLE)),
			demo.get('/v2/cache'),
			reader.get('/v2/cache'),
			nobody.get('/v2/cache'),
			demo.put('/v2/cache/$image'),
			demo.delete('/v2/cache/$image'),
			demo.delete('/v2/cache'),
			admin.put('/v2/cache/$image'),
			admin.put('/v2/cache/$missing'),
			admin.delete('/v2/cache/$missing'),
			admin.put('/v2/cache/no-uuid'),
			admin.delete('/v2/cache', { 'x-image-cache-clear-target': 'everything' }),
			admin.post('/v2/cache', {}),
			admin.get('/v2/cache/$image'),
			withHeaders({ accept: 'application/json' }, admin.put('/v2/cache/$missing')),
		],
	),
	scenario(
		'cache: keep an image, and drop it',
		[103, 180],
		[
			admin.delete('/v2/cache'),
			keep('image', demo.post('/v2/images', UPLOADABLE)),
			demo.upload('$image', '0123456789'),
			admin.put('/v2/cache/$image'),
			until(isCached, admin.get('/v2/cache')),
			admin.delete('/v2/cache/$image'),
			admin.get('/v2/cache'),
			admin.delete('/v2/cache', { 'x-image-cache-clear-target': 'queue' }),
			admin.delete('/v2/cache', { 'x-image-cache-clear-target': 'cache' }),
		],
	),
	scenario(
		'info: usage, stores, import methods',
		[101, 136],
		[demo.get('/v2/info/usage'), reader.get('/v2/info/usage'), nobody.get('/v2/info/usage'), demo.post('/v2/info/usage', {})],
	),
];
