import type { MetadefController } from '#domain/metadefs/controller.ts';
import type { AppContext } from '#http/env.ts';
import { pageLink } from '#http/page-link.ts';
import { queryOf } from '#http/request-path.ts';
import { respond, respondJson } from '#http/respond.ts';
import { bodyless, type Route } from '#http/route.ts';
import type { PageLimits } from '#http/wire/filters.ts';
import { parseNamespaceChange, parseNamespaceDraft } from '#http/wire/metadefs/drafts.ts';
import { parseNamespaceQuery, resourceTypeOf } from '#http/wire/metadefs/queries.ts';
import {
	NAMESPACES_PATH,
	namespaceUrlPath,
	viewListedNamespace,
	viewNamespace,
	viewNewNamespace,
	viewWholeNamespace,
} from '#http/wire/metadefs/views.ts';
import { paramOf, type ReadBody } from './requests.ts';

export interface NamespaceRouteParts {
	readonly metadefs: MetadefController;
	readonly pages: PageLimits;
	readonly publicUrl: (c: AppContext) => string;
}

/** With all that is in it. */
const MAX_NAMESPACE_BYTES = 1024 * 1024;

export function namespaceRoutes({ metadefs, pages, publicUrl }: NamespaceRouteParts, read: ReadBody): readonly Route[] {
	async function list(c: AppContext): Promise<Response> {
		const params = queryOf(c.req.url);
		const { namespaces, full } = await metadefs.listNamespaces(c.var.ctx, parseNamespaceQuery(params, pages));
		const last = namespaces.at(-1);
		return respondJson(c, 200, {
			namespaces: namespaces.map(viewListedNamespace),
			...(full && last && { next: pageLink(NAMESPACES_PATH, params, last.namespace) }),
			schema: '/v2/schemas/metadefs/namespaces',
			first: pageLink(NAMESPACES_PATH, params),
		});
	}
	async function create(c: AppContext): Promise<Response> {
		const draft = parseNamespaceDraft(await read(c, MAX_NAMESPACE_BYTES));
		const namespace = await metadefs.createNamespace(c.var.ctx, draft);
		const location = `${publicUrl(c)}${namespaceUrlPath(namespace.namespace)}`;
		return respondJson(c, 201, viewNewNamespace(namespace), { location });
	}
	async function show(c: AppContext): Promise<Response> {
		const namespace = await metadefs.showNamespace(c.var.ctx, nameOf(c));
		return respondJson(c, 200, viewWholeNamespace(namespace, resourceTypeOf(queryOf(c.req.url))));
	}
	async function update(c: AppContext): Promise<Response> {
		const change = parseNamespaceChange(await read(c, MAX_NAMESPACE_BYTES));
		return respondJson(c, 200, viewNamespace(await metadefs.updateNamespace(c.var.ctx, nameOf(c), change)));
	}
	async function remove(c: AppContext): Promise<Response> {
		await metadefs.removeNamespace(c.var.ctx, nameOf(c));
		return respond(c, 204, null);
	}
	return [
		{ path: NAMESPACES_PATH, methods: { GET: list, POST: create } },
		{ path: `${NAMESPACES_PATH}/:namespace`, methods: { GET: bodyless(show), PUT: update, DELETE: bodyless(remove) } },
	];
}

function nameOf(c: AppContext): string {
	return paramOf(c, 'namespace');
}
