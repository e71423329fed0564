/** Caching: what clients read whole is told to the cache. Bytes go past here as they are. */
import type { ImageCache } from '#domain/ports/image-cache.ts';
import type { Layer } from '../onion.ts';

export function caching(cache: Pick<ImageCache, 'asked'> | undefined): Layer {
	return (inner) =>
		cache === undefined
			? {}
			: {
					async download(ctx, id, wish) {
						const download = await inner.download(ctx, id, wish);
						return {
							...download,
							read(range, options) {
								if (range.start === 0 && range.end === download.size) cache.asked(download.image);
								return download.read(range, options);
							},
						};
					},
				};
}
