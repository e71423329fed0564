import type { ImageData } from '#domain/ports/image-data.ts';

/** The same data, where a read that has just brought the last missing block says so. */
export function announcingReads(data: ImageData, completed: (root: string) => void): ImageData {
	return {
		...data,
		async *read(content, range, options) {
			const missing = data.presence(content.root) !== 'complete';
			yield* data.read(content, range, options);
			if (missing && data.presence(content.root) === 'complete') completed(content.root);
		},
	};
}
