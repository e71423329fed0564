import type { JsonSchema } from './image.ts';

/** A page of images. Image API v2, "Show images schema". */
export function imagesSchema(image: JsonSchema): JsonSchema {
	return {
		name: 'images',
		properties: {
			images: { type: 'array', items: image },
			first: { type: 'string' },
			next: { type: 'string' },
			schema: { type: 'string' },
		},
		links: [
			{ rel: 'first', href: '{first}' },
			{ rel: 'next', href: '{next}' },
			{ rel: 'describedby', href: '{schema}' },
		],
	};
}
