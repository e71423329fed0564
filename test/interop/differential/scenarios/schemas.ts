/** A 13, 14: the schemas that clients read before they say anything. */
import { demo, reader, type Scenario, scenario } from '../step.ts';

const SCHEMAS = ['image', 'images', 'member', 'members'];

export const schemas: readonly Scenario[] = [
	scenario(
		'schemas',
		[13, 14],
		[
			...SCHEMAS.map((name) => demo.get(`/v2/schemas/${name}`)),
			reader.get('/v2/schemas/image'),
			demo.get('/v2/schemas/nothing'),
			demo.get('/v2/schemas'),
		],
	),
];
