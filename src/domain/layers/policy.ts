/**
 * Policy: decides every change, and every look, from the operator's rules and nothing else. Which rules a verb asks
 * for is Glance's; what they say is in policy/defaults.ts or the operator's file.
 */

import type { ImageFacts } from '#domain/ports/image-repository.ts';
import type { Policy, PolicyTarget } from '#domain/ports/policy.ts';
import type { RequestContext } from '../context.ts';
import type { ImageController } from '../controller.ts';
import { type Image, type ImageChange, type ImageDraft, type ImageId, isLocationChange, type Visibility } from '../image.ts';
import type { Member } from '../member.ts';
import { noSuchImage } from '../no-such-image.ts';
import type { Guard } from '../onion.ts';
import { policyTarget } from '../policy-target.ts';
import { refusedBy } from '../refused-by.ts';

export function decision(facts: ImageFacts, policy: Policy): Guard {
	async function must(ctx: RequestContext, rule: string, target: PolicyTarget): Promise<void> {
		if (!(await policy.decide(ctx, rule, target))) throw refusedBy(rule);
	}
	/** Who fails a rule and may not even get the image is told that there is none. */
	async function mustOn(ctx: RequestContext, id: ImageId, rules: readonly string[]): Promise<void> {
		const target = policyTarget(ctx, await facts.get(id));
		for (const rule of rules) {
			if (await policy.decide(ctx, rule, target)) continue;
			if (rule === 'get_image' || !(await policy.decide(ctx, 'get_image', target))) throw noSuchImage(id);
			throw refusedBy(rule);
		}
	}
	/** As Glance: who may not look at members is told so before whether there is such a one, and that before the verb's rule. */
	async function lookUp(inner: ImageController, ctx: RequestContext, id: ImageId, member: string): Promise<Member> {
		await mustOn(ctx, id, ['get_image', 'get_member']);
		return inner.showMember(ctx, id, member);
	}
	const mayGet = (ctx: RequestContext, image: Image) => policy.decide(ctx, 'get_image', policyTarget(ctx, image));

	return (inner) => ({
		async create(ctx, draft) {
			const target = draftTarget(ctx, draft);
			await must(ctx, 'add_image', target);
			for (const rule of VISIBILITY_RULES[draft.visibility ?? 'shared']) await must(ctx, rule, target);
			return inner.create(ctx, draft);
		},
		async list(ctx, query) {
			await must(ctx, 'get_images', { project_id: ctx.project });
			const page = await inner.list(ctx, query);
			const gettable = await Promise.all(page.images.map((image) => mayGet(ctx, image)));
			return { ...page, images: page.images.filter((_, index) => gettable[index]) };
		},
		async show(ctx, id) {
			await mustOn(ctx, id, ['get_image']);
			return inner.show(ctx, id);
		},
		async update(ctx, id, changes) {
			await mustOn(ctx, id, changes.length === 0 ? ['get_image'] : [...changes.flatMap(rulesOfChange), 'modify_image']);
			return inner.update(ctx, id, changes);
		},
		async remove(ctx, id) {
			await mustOn(ctx, id, ['delete_image']);
			return inner.remove(ctx, id);
		},
		async upload(ctx, id, upload) {
			await mustOn(ctx, id, ['upload_image']);
			return inner.upload(ctx, id, upload);
		},
		async stage(ctx, id, upload) {
			await mustOn(ctx, id, ['modify_image']);
			return inner.stage(ctx, id, upload);
		},
		async beginImport(ctx, id, request, plan) {
			await mustOn(ctx, id, [request.method.name === 'copy-image' ? 'copy_image' : 'modify_image']);
			return inner.beginImport(ctx, id, request, plan);
		},
		// What follows was decided when the import began, and must be able to end whatever the rules have become.
		holdImport: inner.holdImport,
		stageImport: inner.stageImport,
		changeImport: inner.changeImport,
		checkImport: inner.checkImport,
		importTo: inner.importTo,
		missImport: inner.missImport,
		activateImport: inner.activateImport,
		endImport: inner.endImport,
		async download(ctx, id, wish) {
			const rules = wish?.prefer === undefined ? ['download_image'] : ['download_image', 'download_from_store'];
			await mustOn(ctx, id, rules);
			return inner.download(ctx, id, wish);
		},
		async beginLocation(ctx, id, location, plan) {
			await mustOn(ctx, id, ['add_image_location']);
			return inner.beginLocation(ctx, id, location, plan);
		},
		// as of imports
		statLocation: inner.statLocation,
		placeLocation: inner.placeLocation,
		hashLocation: inner.hashLocation,
		endLocation: inner.endLocation,
		async listLocations(ctx, id) {
			await mustOn(ctx, id, ['fetch_image_location']);
			return inner.listLocations(ctx, id);
		},
		async removeFromStore(ctx, id, store) {
			await mustOn(ctx, id, ['delete_image_location']);
			return inner.removeFromStore(ctx, id, store);
		},
		async deactivate(ctx, id) {
			await mustOn(ctx, id, ['deactivate']);
			return inner.deactivate(ctx, id);
		},
		async reactivate(ctx, id) {
			await mustOn(ctx, id, ['reactivate']);
			return inner.reactivate(ctx, id);
		},
		async addTag(ctx, id, tag) {
			await mustOn(ctx, id, ['modify_image']);
			return inner.addTag(ctx, id, tag);
		},
		async dropTag(ctx, id, tag) {
			await mustOn(ctx, id, ['modify_image']);
			return inner.dropTag(ctx, id, tag);
		},
		async listMembers(ctx, id) {
			await mustOn(ctx, id, ['get_image', 'get_members']);
			const target = policyTarget(ctx, await facts.get(id));
			return (await policy.decide(ctx, 'get_member', target)) ? inner.listMembers(ctx, id) : [];
		},
		showMember: (ctx, id, member) => lookUp(inner, ctx, id, member),
		async addMember(ctx, id, member) {
			await mustOn(ctx, id, ['get_image', 'add_member']);
			return inner.addMember(ctx, id, member);
		},
		async updateMember(ctx, id, member, status) {
			await lookUp(inner, ctx, id, member);
			await mustOn(ctx, id, ['modify_member']);
			return inner.updateMember(ctx, id, member, status);
		},
		async removeMember(ctx, id, member) {
			await lookUp(inner, ctx, id, member);
			await mustOn(ctx, id, ['delete_member']);
			return inner.removeMember(ctx, id, member);
		},
	});
}

/** Rules that giving an image this visibility needs besides those of the verb. */
const VISIBILITY_RULES: Readonly<Record<Visibility, readonly string[]>> = {
	public: ['publicize_image'],
	community: ['communitize_image'],
	shared: [],
	private: [],
};

function rulesOfChange(change: ImageChange): readonly string[] {
	if (isLocationChange(change)) return 'dropLocation' in change ? ['delete_image_location'] : ['set_image_location'];
	return 'set' in change && change.set.visibility !== undefined ? VISIBILITY_RULES[change.set.visibility] : [];
}

/**
 * Before there is an image: Glance's three attributes, with its default in the target (the stored default is `shared`).
 * The project is the one that would own the image, as it will be once there is one.
 */
function draftTarget(ctx: RequestContext, draft: ImageDraft): PolicyTarget {
	const owner = draft.owner === undefined ? ctx.project : draft.owner;
	return { project_id: owner, owner, visibility: draft.visibility ?? 'private' };
}
