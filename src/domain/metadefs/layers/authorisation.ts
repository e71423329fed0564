/**
 * Auth: establishes facts and never reads a rule. A private namespace of another project does not exist for the caller,
 * in words that do not differ from a name that was never used.
 */
import type { RequestContext } from '#domain/context.ts';
import { codeOf } from '#domain/errors.ts';
import { canSeeNamespace, noSuchNamespace } from '#domain/metadef.ts';
import type { MetadefController } from '../controller.ts';
import type { MetadefGuard } from '../onion.ts';
import type { NamespaceFacts } from '../repository.ts';

export function authorisation(facts: NamespaceFacts): MetadefGuard {
	const isHidden = async (ctx: RequestContext, name: string) => !canSeeNamespace(ctx, await facts.get(name));

	/** The namespace may have become invisible between the look and the act; then it does not exist either. */
	async function seen<T>(ctx: RequestContext, name: string, act: () => Promise<T>): Promise<T> {
		if (await isHidden(ctx, name)) throw noSuchNamespace(name);
		try {
			return await act();
		} catch (error) {
			if (codeOf(error) !== 'not-found' && (await isHidden(ctx, name).catch(() => false)))
				throw noSuchNamespace(name, { cause: error });
			throw error;
		}
	}

	return (inner): MetadefController => ({
		createNamespace: (ctx, draft) => inner.createNamespace(ctx, ownedBy(ctx, draft)),
		listNamespaces: (ctx, query) => inner.listNamespaces(ctx, { ...query, viewer: { project: ctx.project, admin: ctx.admin } }),
		showNamespace: (ctx, name) => seen(ctx, name, () => inner.showNamespace(ctx, name)),
		updateNamespace: (ctx, name, change) => seen(ctx, name, () => inner.updateNamespace(ctx, name, ownedBy(ctx, change))),
		removeNamespace: (ctx, name) => seen(ctx, name, () => inner.removeNamespace(ctx, name)),
		listItems: (ctx, name, kind) => seen(ctx, name, () => inner.listItems(ctx, name, kind)),
		showItem: (ctx, name, kind, item) => seen(ctx, name, () => inner.showItem(ctx, name, kind, item)),
		showPropertyOn: (ctx, name, type, item) => seen(ctx, name, () => inner.showPropertyOn(ctx, name, type, item)),
		addItem: (ctx, name, kind, draft) => seen(ctx, name, () => inner.addItem(ctx, name, kind, draft)),
		updateItem: (ctx, name, kind, item, draft) => seen(ctx, name, () => inner.updateItem(ctx, name, kind, item, draft)),
		removeItem: (ctx, name, kind, item) => seen(ctx, name, () => inner.removeItem(ctx, name, kind, item)),
		removeAllItems: (ctx, name, kind) => seen(ctx, name, () => inner.removeAllItems(ctx, name, kind)),
		addTags: (ctx, name, tags, options) => seen(ctx, name, () => inner.addTags(ctx, name, tags, options)),
		listResourceTypes: (ctx) => inner.listResourceTypes(ctx),
	});
}

/** Who says no owner is it, also when a namespace is replaced, as in Glance. */
function ownedBy<T extends { readonly owner?: string }>({ project }: RequestContext, draft: T): T {
	return draft.owner !== undefined || project === null ? draft : { ...draft, owner: project };
}
