/**
 * Auth: establishes facts and never reads a rule. What the caller may not see does not exist for them, in words that
 * do not differ from an id that was never used; whose eyes a list is read with is decided here and nowhere else.
 * It refuses only what no rule may ever allow.
 */

import type { ImageFacts } from '#domain/ports/image-repository.ts';
import type { RequestContext } from '../context.ts';
import type { ImageController } from '../controller.ts';
import { codeOf, ImageError } from '../errors.ts';
import type { Image, ImageId } from '../image.ts';
import { noSuchImage } from '../no-such-image.ts';
import type { Guard } from '../onion.ts';
import { canSee, type Viewer } from '../query.ts';
import { assertShared, knowsMember, noSuchMember } from '../sharing.ts';

export function authorisation(facts: ImageFacts): Guard {
	async function mustSee(ctx: RequestContext, id: ImageId): Promise<Image> {
		const image = await facts.get(id);
		if (!canSee(viewerOf(ctx), image)) throw noSuchImage(id);
		return image;
	}
	/** The image may have become invisible between the look and the act; then it does not exist either. */
	async function seen<T>(ctx: RequestContext, id: ImageId, act: (image: Image) => Promise<T>): Promise<T> {
		const image = await mustSee(ctx, id);
		try {
			return await act(image);
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
	/** Before anybody is told what an image is, the rules have a say: whom they do not let look finds nothing. */
	function seenShared<T>(
		inner: ImageController,
		ctx: RequestContext,
		id: ImageId,
		act: (image: Image) => Promise<T>,
	): Promise<T> {
		return seen(ctx, id, async (image) => {
			if (image.visibility !== 'shared') await inner.show(ctx, id);
			assertShared(image);
			return act(image);
		});
	}
	return (inner) => ({
		create: (ctx, draft) => inner.create(ctx, draft.owner === undefined ? { ...draft, owner: ctx.project } : draft),
		list: (ctx, query) => inner.list(ctx, { ...query, viewer: viewerOf(ctx) }),
		show: (ctx, id) => seen(ctx, id, () => inner.show(ctx, id)),
		update: (ctx, id, changes) =>
			seen(ctx, id, async () => {
				if (ctx.admin || !changes.some((change) => 'set' in change && change.set.owner !== undefined))
					return inner.update(ctx, id, changes);
				// who may not look, finds nothing
				await inner.show(ctx, id);
				throw new ImageError('forbidden', `the owner of image ${id} can be changed by administrators only`);
			}),
		remove: (ctx, id) => seen(ctx, id, () => inner.remove(ctx, id)),
		upload: (ctx, id, upload) => seen(ctx, id, () => inner.upload(ctx, id, upload)),
		stage: (ctx, id, upload) => seen(ctx, id, () => inner.stage(ctx, id, upload)),
		beginImport: (ctx, id, ...rest) => seen(ctx, id, () => inner.beginImport(ctx, id, ...rest)),
		holdImport: (ctx, id, task) => seen(ctx, id, () => inner.holdImport(ctx, id, task)),
		stageImport: (ctx, id, upload) => seen(ctx, id, () => inner.stageImport(ctx, id, upload)),
		changeImport: (ctx, id, changes) => seen(ctx, id, () => inner.changeImport(ctx, id, changes)),
		checkImport: (ctx, id) => seen(ctx, id, () => inner.checkImport(ctx, id)),
		importTo: (ctx, id, ...rest) => seen(ctx, id, () => inner.importTo(ctx, id, ...rest)),
		missImport: (ctx, id, store) => seen(ctx, id, () => inner.missImport(ctx, id, store)),
		activateImport: (ctx, id) => seen(ctx, id, () => inner.activateImport(ctx, id)),
		endImport: (ctx, id, ...rest) => seen(ctx, id, () => inner.endImport(ctx, id, ...rest)),
		download: (ctx, id, wish) => seen(ctx, id, () => inner.download(ctx, id, wish)),
		statLocation: (ctx, id, location) => seen(ctx, id, () => inner.statLocation(ctx, id, location)),
		beginLocation: (ctx, id, ...rest) => seen(ctx, id, () => inner.beginLocation(ctx, id, ...rest)),
		placeLocation: (ctx, id, location) => seen(ctx, id, () => inner.placeLocation(ctx, id, location)),
		hashLocation: (ctx, id, validation) => seen(ctx, id, () => inner.hashLocation(ctx, id, validation)),
		endLocation: (ctx, id) => seen(ctx, id, () => inner.endLocation(ctx, id)),
		listLocations: (ctx, id) => seen(ctx, id, () => inner.listLocations(ctx, id)),
		removeFromStore: (ctx, id, store) => seen(ctx, id, () => inner.removeFromStore(ctx, id, store)),
		deactivate: (ctx, id) => seen(ctx, id, () => inner.deactivate(ctx, id)),
		reactivate: (ctx, id) => seen(ctx, id, () => inner.reactivate(ctx, id)),
		addTag: (ctx, id, tag) => seen(ctx, id, () => inner.addTag(ctx, id, tag)),
		dropTag: (ctx, id, tag) => seen(ctx, id, () => inner.dropTag(ctx, id, tag)),
		listMembers: (ctx, id) =>
			seenShared(inner, ctx, id, async (image) => {
				const members = await inner.listMembers(ctx, id);
				return members.filter(({ member }) => knowsMember(viewerOf(ctx), image, member));
			}),
		addMember: (ctx, id, member) => seenShared(inner, ctx, id, () => inner.addMember(ctx, id, member)),
		async showMember(ctx, id, member) {
			try {
				return await seenShared(inner, ctx, id, (image) =>
					known(inner, ctx, image, member, () => inner.showMember(ctx, id, member)),
				);
			} catch (error) {
				if (codeOf(error) === 'forbidden') throw noSuchMember(id, member, { cause: error });
				throw error;
			}
		},
		updateMember: (ctx, id, member, status) =>
			seenShared(inner, ctx, id, (image) => known(inner, ctx, image, member, () => inner.updateMember(ctx, id, member, status))),
		removeMember: (ctx, id, member) =>
			seenShared(inner, ctx, id, (image) => known(inner, ctx, image, member, () => inner.removeMember(ctx, id, member))),
	});
}

/** A membership that is not the caller's to know does not exist; who may not look at all is refused before that. */
async function known<T>(inner: ImageController, ctx: RequestContext, image: Image, member: string, act: () => Promise<T>) {
	if (knowsMember(viewerOf(ctx), image, member)) return act();
	await inner.showMember(ctx, image.id, member);
	throw noSuchMember(image.id, member);
}

function viewerOf(ctx: RequestContext): Viewer {
	return { project: ctx.project, admin: ctx.admin };
}
