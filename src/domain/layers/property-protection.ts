/** Property protection: which callers may touch, or even see, which custom property. Image API v2, "Property protections". */

import type { ImageFacts } from '#domain/ports/image-repository.ts';
import type { PropertyAction, PropertyProtections } from '#domain/ports/property-protections.ts';
import type { RequestContext } from '../context.ts';
import { ImageError } from '../errors.ts';
import type { Image, ImageChange } from '../image.ts';
import { missingProperty } from '../image-changes.ts';
import type { Layer } from '../onion.ts';
import type { ImageQuery } from '../query.ts';

export function propertyProtection(facts: ImageFacts, protections: PropertyProtections | undefined): Layer {
	if (protections === undefined) return () => ({});

	function must(ctx: RequestContext, action: PropertyAction, name: string): void {
		if (!protections?.allows(ctx, action, name)) throw new ImageError('forbidden', `property ${name} is protected`);
	}
	function readable(ctx: RequestContext, image: Image): Image {
		const entries = Object.entries(image.properties).filter(([name]) => protections?.allows(ctx, 'read', name));
		return { ...image, properties: Object.fromEntries(entries) };
	}
	/**
	 * To the caller a property they may not read is not there: replacing or dropping it finds nothing, and setting it is
	 * creating it, also for the layers inside, which do see it.
	 */
	function permitted(ctx: RequestContext, image: Image, changes: readonly ImageChange[]): readonly ImageChange[] {
		const visible = new Set(Object.keys(readable(ctx, image).properties));
		return changes.map((change) => {
			if ('dropProperty' in change) {
				if (!visible.delete(change.dropProperty)) throw missingProperty(change.dropProperty);
				must(ctx, 'delete', change.dropProperty);
			}
			if (!('setProperty' in change)) return change;
			const { setProperty: name, when } = change;
			const isVisible = visible.has(name);
			if (when === 'present' && !isVisible) throw missingProperty(name);
			must(ctx, isVisible ? 'update' : 'create', name);
			if (protections?.allows(ctx, 'read', name)) visible.add(name);
			return when === 'absent' && !isVisible ? { ...change, when: 'always' } : change;
		});
	}
	/** Whether a list would tell the value of a property that the caller may not read. */
	function asksTheUnreadable(ctx: RequestContext, { filters }: ImageQuery): boolean {
		return filters.some((filter) => filter.field === 'property' && !protections?.allows(ctx, 'read', filter.name));
	}
	return (inner) => ({
		async create(ctx, draft) {
			for (const name of Object.keys(draft.properties ?? {})) must(ctx, 'create', name);
			return readable(ctx, await inner.create(ctx, draft));
		},
		show: async (ctx, id) => readable(ctx, await inner.show(ctx, id)),
		async list(ctx, query) {
			const page = await inner.list(ctx, query);
			if (asksTheUnreadable(ctx, query)) return { ...page, images: [], full: false };
			return { ...page, images: page.images.map((image) => readable(ctx, image)) };
		},
		async update(ctx, id, changes) {
			return readable(ctx, await inner.update(ctx, id, permitted(ctx, await facts.get(id), changes)));
		},
		upload: async (ctx, id, upload) => readable(ctx, await inner.upload(ctx, id, upload)),
		stage: async (ctx, id, upload) => readable(ctx, await inner.stage(ctx, id, upload)),
		async download(ctx, id, wish) {
			const download = await inner.download(ctx, id, wish);
			return { ...download, image: readable(ctx, download.image) };
		},
	});
}
