import type { MetadefController } from '#domain/metadefs/controller.ts';
import type { AppContext } from '#http/env.ts';
import { queryOf } from '#http/request-path.ts';
import { respond, respondJson } from '#http/respond.ts';
import { bodyless, type Route } from '#http/route.ts';
import { parseNewObject, parseObject } from '#http/wire/metadefs/drafts.ts';
import { assertObjectQuery } from '#http/wire/metadefs/queries.ts';
import { NAMESPACES_PATH, viewChangedObject, viewObject } from '#http/wire/metadefs/views.ts';
import { MAX_ITEM_BYTES, paramOf, type ReadBody, removeAll } from './requests.ts';

export function objectRoutes(metadefs: MetadefController, read: ReadBody): readonly Route[] {
	async function list(c: AppContext): Promise<Response> {
		assertObjectQuery(queryOf(c.req.url));
		const namespace = paramOf(c, 'namespace');
		const objects = await metadefs.listItems(c.var.ctx, namespace, 'object');
		return respondJson(c, 200, {
			objects: objects.map((object) => viewObject(namespace, object)),
			// without the slash, as Glance
			schema: 'v2/schemas/metadefs/objects',
		});
	}
	async function add(c: AppContext): Promise<Response> {
		const namespace = paramOf(c, 'namespace');
		const object = await metadefs.addItem(c.var.ctx, namespace, 'object', parseNewObject(await read(c, MAX_ITEM_BYTES)));
		return respondJson(c, 201, viewChangedObject(namespace, object));
	}
	async function show(c: AppContext): Promise<Response> {
		const namespace = paramOf(c, 'namespace');
		const object = await metadefs.showItem(c.var.ctx, namespace, 'object', paramOf(c, 'name'));
		return respondJson(c, 200, viewObject(namespace, object));
	}
	async function update(c: AppContext): Promise<Response> {
		const namespace = paramOf(c, 'namespace');
		const draft = parseObject(await read(c, MAX_ITEM_BYTES));
		const object = await metadefs.updateItem(c.var.ctx, namespace, 'object', paramOf(c, 'name'), draft);
		return respondJson(c, 200, viewChangedObject(namespace, object));
	}
	async function remove(c: AppContext): Promise<Response> {
		await metadefs.removeItem(c.var.ctx, paramOf(c, 'namespace'), 'object', paramOf(c, 'name'));
		return respond(c, 204, null);
	}
	const path = `${NAMESPACES_PATH}/:namespace/objects`;
	return [
		{ path, methods: { GET: list, POST: add, DELETE: removeAll(metadefs, 'object') } },
		{ path: `${path}/:name`, methods: { GET: bodyless(show), PUT: update, DELETE: bodyless(remove) } },
	];
}
