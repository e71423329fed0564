/** Property protection: which callers may touch, or even see, which custom property. Image API v2, "Property protections". */

import type { ImageFacts } from '#domain/ports/image-repository.ts';
import type { PropertyAction, PropertyProtections } from '#domain/ports/property-protections.ts';
import type { RequestContext } from '../context.ts';
import { ImageError } from '../errors.ts';
import type { Image, ImageChange } from '../image.ts';
import type { Layer } from '../onion.ts';

export function propertyProtection(facts: ImageFacts, protections: PropertyProtections | undefined): Layer {
	if (protections === undefined) return () => ({});

	function must(ctx: RequestContext, action: PropertyAction, name: string): void {
		if (!protections?.allows(ctx, action, name)) throw new ImageError('forbidden', `property ${name} is protected`);
	}
	function readable(ctx: RequestContext, image: Image): Image {
		const entries = Object.entries(image.properties).filter(([name]) => protections?.allows(ctx, 'read', name));
		return { ...image, properties: Object.fromEntries(entries) };
	}
	/** A property the caller may not read is missing for them: changing or dropping it is refused by its own right. */
	function mustAll(ctx: RequestContext, image: Image, changes: readonly ImageChange[]): void {
		for (const change of changes) {
			if ('dropProperty' in change) must(ctx, 'delete', change.dropProperty);
			if (!('setProperty' in change)) continue;
			must(ctx, Object.hasOwn(image.properties, change.setProperty) ? 'update' : 'create', change.setProperty);
		}
	}
	return (inner) => ({
		async create(ctx, draft) {
			for (const name of Object.keys(draft.properties ?? {})) must(ctx, 'create', name);
			return readable(ctx, await inner.create(ctx, draft));
		},
		show: async (ctx, id) => readable(ctx, await inner.show(ctx, id)),
		async list(ctx, query) {
			const page = await inner.list(ctx, query);
			return { ...page, images: page.images.map((image) => readable(ctx, image)) };
		},
		async update(ctx, id, changes) {
			mustAll(ctx, await facts.get(id), changes);
			return readable(ctx, await inner.update(ctx, id, changes));
		},
		upload: async (ctx, id, upload) => readable(ctx, await inner.upload(ctx, id, upload)),
		async download(ctx, id) {
			const download = await inner.download(ctx, id);
			return { ...download, image: readable(ctx, download.image) };
		},
	});
}
