/**
 * Auth: establishes facts and never reads a rule. What the caller may not see does not exist for them, in words that
 * do not differ from an id that was never used; whose eyes a list is read with is decided here and nowhere else.
 * It refuses only what no rule may ever allow.
 */

import type { ImageFacts } from '#domain/ports/image-repository.ts';
import type { RequestContext } from '../context.ts';
import { codeOf, ImageError } from '../errors.ts';
import type { ImageId } from '../image.ts';
import { noSuchImage } from '../no-such-image.ts';
import type { Guard } from '../onion.ts';
import { canSee, type Viewer } from '../query.ts';

export function authorisation(facts: ImageFacts): Guard {
	async function mustSee(ctx: RequestContext, id: ImageId): Promise<void> {
		const image = await facts.get(id);
		if (!canSee(viewerOf(ctx), image)) throw noSuchImage(id);
	}
	/** The image may have become invisible between the look and the act; then it does not exist either. */
	async function seen<T>(ctx: RequestContext, id: ImageId, act: () => Promise<T>): Promise<T> {
		await mustSee(ctx, id);
		try {
			return await act();
		} catch (error) {
			if (codeOf(error) === 'not-found' || codeOf(error) === 'gone') throw error;
			if (await hidden(ctx, id)) throw noSuchImage(id, { cause: error });
			throw error;
		}
	}
	async function hidden(ctx: RequestContext, id: ImageId): Promise<boolean> {
		try {
			return !canSee(viewerOf(ctx), await facts.get(id));
		} catch {
			return false;
		}
	}
	return (inner) => ({
		create: (ctx, draft) => inner.create(ctx, draft.owner === undefined ? { ...draft, owner: ctx.project } : draft),
		list: (ctx, query) => inner.list(ctx, { ...query, viewer: viewerOf(ctx) }),
		show: (ctx, id) => seen(ctx, id, () => inner.show(ctx, id)),
		update: (ctx, id, changes) =>
			seen(ctx, id, () => {
				if (!ctx.admin && changes.some((change) => 'set' in change && change.set.owner !== undefined))
					throw new ImageError('forbidden', `the owner of image ${id} can be changed by administrators only`);
				return inner.update(ctx, id, changes);
			}),
		remove: (ctx, id) => seen(ctx, id, () => inner.remove(ctx, id)),
		upload: (ctx, id, upload) => seen(ctx, id, () => inner.upload(ctx, id, upload)),
		download: (ctx, id) => seen(ctx, id, () => inner.download(ctx, id)),
		deactivate: (ctx, id) => seen(ctx, id, () => inner.deactivate(ctx, id)),
		reactivate: (ctx, id) => seen(ctx, id, () => inner.reactivate(ctx, id)),
		addTag: (ctx, id, tag) => seen(ctx, id, () => inner.addTag(ctx, id, tag)),
		dropTag: (ctx, id, tag) => seen(ctx, id, () => inner.dropTag(ctx, id, tag)),
	});
}

function viewerOf(ctx: RequestContext): Viewer {
	return { project: ctx.project, admin: ctx.admin };
}
