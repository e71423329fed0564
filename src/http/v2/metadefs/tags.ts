import type { MetadefController } from '#domain/metadefs/controller.ts';
import { pageOfTags } from '#domain/metadefs/query.ts';
import type { AppContext } from '#http/env.ts';
import { queryOf } from '#http/request-path.ts';
import { respond, respondJson } from '#http/respond.ts';
import { bodyless, type Route } from '#http/route.ts';
import { parseTag, parseTagName, parseTags } from '#http/wire/metadefs/drafts.ts';
import { parseTagQuery, saysYes } from '#http/wire/metadefs/queries.ts';
import { NAMESPACES_PATH, viewTag, viewTagName } from '#http/wire/metadefs/views.ts';
import { MAX_ITEM_BYTES, paramOf, type ReadBody, removeAll } from './requests.ts';

export function metadefTagRoutes(metadefs: MetadefController, read: ReadBody): readonly Route[] {
	async function list(c: AppContext): Promise<Response> {
		const query = parseTagQuery(queryOf(c.req.url));
		const namespace = paramOf(c, 'namespace');
		const tags = await metadefs.listItems(c.var.ctx, namespace, 'tag');
		return respondJson(c, 200, { tags: pageOfTags(namespace, tags, query).map(viewTagName) });
	}
	async function addMany(c: AppContext): Promise<Response> {
		const names = parseTags(await read(c, MAX_ITEM_BYTES));
		const append = saysYes(c.req.header('x-openstack-append'));
		const tags = await metadefs.addTags(c.var.ctx, paramOf(c, 'namespace'), names, { append });
		return respondJson(c, 201, { tags: tags.map(viewTagName) });
	}
	async function add(c: AppContext): Promise<Response> {
		const tag = await metadefs.addItem(c.var.ctx, paramOf(c, 'namespace'), 'tag', parseTagName(paramOf(c, 'name')));
		return respondJson(c, 201, viewTag(tag));
	}
	async function show(c: AppContext): Promise<Response> {
		return respondJson(c, 200, viewTag(await metadefs.showItem(c.var.ctx, paramOf(c, 'namespace'), 'tag', paramOf(c, 'name'))));
	}
	async function update(c: AppContext): Promise<Response> {
		const draft = parseTag(await read(c, MAX_ITEM_BYTES));
		const tag = await metadefs.updateItem(c.var.ctx, paramOf(c, 'namespace'), 'tag', paramOf(c, 'name'), draft);
		return respondJson(c, 200, viewTag(tag));
	}
	async function remove(c: AppContext): Promise<Response> {
		await metadefs.removeItem(c.var.ctx, paramOf(c, 'namespace'), 'tag', paramOf(c, 'name'));
		return respond(c, 204, null);
	}
	const path = `${NAMESPACES_PATH}/:namespace/tags`;
	return [
		{ path, methods: { GET: list, POST: addMany, DELETE: removeAll(metadefs, 'tag') } },
		{
			path: `${path}/:name`,
			methods: { GET: bodyless(show), POST: bodyless(add), PUT: update, DELETE: bodyless(remove) },
		},
	];
}
