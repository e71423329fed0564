/**
 * Policy: decides every change, and every look, from the operator's rules and nothing else. Which rules a verb asks
 * for is Glance's; what they say is in policy/metadef-defaults.ts or the operator's file.
 */
import type { RequestContext } from '#domain/context.ts';
import { ImageError } from '#domain/errors.ts';
import { type ItemKind, type MetadefNamespace, noSuchNamespace } from '#domain/metadef.ts';
import type { Policy, PolicyTarget } from '#domain/ports/policy.ts';
import { refusedBy } from '#domain/refused-by.ts';
import type { EditableKind, MetadefController, NamespaceDraft } from '../controller.ts';
import type { MetadefGuard } from '../onion.ts';
import type { NamespaceFacts } from '../repository.ts';

interface KindRules {
	readonly list: string;
	/** without it the list is empty */
	readonly listed?: string;
	readonly show: string;
	readonly add: string;
	readonly update?: string;
	readonly remove: string;
	readonly removeAll: readonly string[];
}

const RULES: Readonly<Record<ItemKind, KindRules>> = {
	property: {
		list: 'get_metadef_properties',
		show: 'get_metadef_property',
		add: 'add_metadef_property',
		update: 'modify_metadef_property',
		remove: 'remove_metadef_property',
		removeAll: ['delete_metadef_namespace'],
	},
	object: {
		list: 'get_metadef_objects',
		listed: 'get_metadef_object',
		show: 'get_metadef_object',
		add: 'add_metadef_object',
		update: 'modify_metadef_object',
		remove: 'delete_metadef_object',
		removeAll: ['delete_metadef_namespace'],
	},
	tag: {
		list: 'get_metadef_tags',
		show: 'get_metadef_tag',
		add: 'add_metadef_tag',
		update: 'modify_metadef_tag',
		remove: 'delete_metadef_tag',
		removeAll: ['delete_metadef_namespace', 'delete_metadef_tags'],
	},
	association: {
		list: 'list_metadef_resource_types',
		listed: 'get_metadef_resource_type',
		show: 'get_metadef_resource_type',
		add: 'add_metadef_resource_type_association',
		remove: 'remove_metadef_resource_type_association',
		removeAll: [],
	},
};

/** A whole namespace is shown to those who may list all that is in it. */
const SHOW_RULES = ['get_metadef_namespace', RULES.association.list, RULES.object.list, RULES.property.list, RULES.tag.list];

export function decision(facts: NamespaceFacts, policy: Policy): MetadefGuard {
	/** Who fails a rule and may not even get the namespace is told that there is none. */
	async function must(
		ctx: RequestContext,
		target: PolicyTarget,
		rules: readonly string[],
		missing: () => ImageError,
	): Promise<void> {
		for (const rule of rules) {
			if (await policy.decide(ctx, rule, target)) continue;
			if (rule === GET || !(await policy.decide(ctx, GET, target))) throw missing();
			throw refusedBy(rule);
		}
	}
	async function mustOn(ctx: RequestContext, name: string, rules: readonly string[]): Promise<void> {
		await must(ctx, targetOf(await facts.get(name)), rules, () => noSuchNamespace(name));
	}
	/** Before there is a namespace, or for all of them. */
	async function mustAtAll(ctx: RequestContext, rules: readonly string[]): Promise<void> {
		await must(ctx, { project_id: ctx.project }, rules, () => new ImageError('not-found', 'the resource could not be found'));
	}
	async function mayList(ctx: RequestContext, name: string, kind: ItemKind): Promise<boolean> {
		const { list, listed } = RULES[kind];
		await mustOn(ctx, name, [list]);
		return listed === undefined || policy.decide(ctx, listed, targetOf(await facts.get(name)));
	}

	return (inner): MetadefController => ({
		async createNamespace(ctx, draft) {
			await mustAtAll(ctx, ['add_metadef_namespace', ...rulesOfContent(draft)]);
			return inner.createNamespace(ctx, draft);
		},
		async listNamespaces(ctx, query) {
			await mustAtAll(ctx, ['get_metadef_namespaces', RULES.association.list]);
			const page = await inner.listNamespaces(ctx, query);
			const gettable = await Promise.all(page.namespaces.map((each) => policy.decide(ctx, GET, targetOf(each))));
			return { ...page, namespaces: page.namespaces.filter((_, index) => gettable[index]) };
		},
		async showNamespace(ctx, name) {
			await mustOn(ctx, name, SHOW_RULES);
			return inner.showNamespace(ctx, name);
		},
		async updateNamespace(ctx, name, change) {
			await mustOn(ctx, name, ['modify_metadef_namespace']);
			return inner.updateNamespace(ctx, name, change);
		},
		async removeNamespace(ctx, name) {
			await mustOn(ctx, name, ['delete_metadef_namespace']);
			return inner.removeNamespace(ctx, name);
		},
		listItems: async (ctx, name, kind) => ((await mayList(ctx, name, kind)) ? inner.listItems(ctx, name, kind) : []),
		async showItem(ctx, name, kind, item) {
			await mustOn(ctx, name, [RULES[kind].show]);
			return inner.showItem(ctx, name, kind, item);
		},
		async showPropertyOn(ctx, name, resourceType, item) {
			await mustOn(ctx, name, [RULES.property.show, RULES.association.show]);
			return inner.showPropertyOn(ctx, name, resourceType, item);
		},
		async addItem(ctx, name, kind, draft) {
			await mustOn(ctx, name, [RULES[kind].add]);
			return inner.addItem(ctx, name, kind, draft);
		},
		async updateItem(ctx, name, kind, item, draft) {
			await mustOn(ctx, name, rulesOfUpdate(kind));
			return inner.updateItem(ctx, name, kind, item, draft);
		},
		async removeItem(ctx, name, kind, item) {
			await mustOn(ctx, name, [RULES[kind].remove]);
			return inner.removeItem(ctx, name, kind, item);
		},
		async removeAllItems(ctx, name, kind) {
			await mustOn(ctx, name, RULES[kind].removeAll);
			return inner.removeAllItems(ctx, name, kind);
		},
		async addTags(ctx, name, tags, options) {
			await mustOn(ctx, name, ['add_metadef_tags']);
			return inner.addTags(ctx, name, tags, options);
		},
		async listResourceTypes(ctx) {
			await mustAtAll(ctx, [RULES.association.list]);
			return inner.listResourceTypes(ctx);
		},
	});
}

const GET = 'get_metadef_namespace';

function targetOf({ owner, visibility }: MetadefNamespace): PolicyTarget {
	return { project_id: owner, visibility };
}

const CONTENT: readonly ItemKind[] = ['association', 'object', 'property', 'tag'];

/** One rule for each kind of what comes with a new namespace. */
function rulesOfContent({ items }: NamespaceDraft): readonly string[] {
	return CONTENT.filter((kind) => items[kind].length > 0).map((kind) => RULES[kind].add);
}

function rulesOfUpdate(kind: EditableKind): readonly string[] {
	const { update } = RULES[kind];
	return update === undefined ? [] : [update];
}
