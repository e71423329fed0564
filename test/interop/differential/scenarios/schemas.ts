/** A 13, 14: the schemas that clients read before they say anything. */
import { demo, reader, type Scenario, scenario } from '../step.ts';

const OF_IMAGES = ['image', 'images', 'member', 'members', 'task', 'tasks'];
const OF_METADEFS = [
	'namespace',
	'namespaces',
	'resource_type',
	'resource_types',
	'property',
	'properties',
	'object',
	'objects',
	'tag',
	'tags',
];

export const schemas: readonly Scenario[] = [
	scenario(
		'schemas of images, members and tasks',
		[13, 14],
		[
			...OF_IMAGES.map((name) => demo.get(`/v2/schemas/${name}`)),
			reader.get('/v2/schemas/image'),
			demo.get('/v2/schemas/nothing'),
			demo.get('/v2/schemas'),
		],
	),
	scenario(
		'schemas of metadata definitions',
		[13],
		OF_METADEFS.map((name) => demo.get(`/v2/schemas/metadefs/${name}`)),
	),
];
