import type { MetadefController } from '#domain/metadefs/controller.ts';
import type { AppContext } from '#http/env.ts';
import { queryOf } from '#http/request-path.ts';
import { respond, respondJson } from '#http/respond.ts';
import { bodyless, type Route } from '#http/route.ts';
import { parseProperty } from '#http/wire/metadefs/drafts.ts';
import { viewProperties, viewProperty } from '#http/wire/metadefs/property-schema.ts';
import { resourceTypeOf } from '#http/wire/metadefs/queries.ts';
import { NAMESPACES_PATH } from '#http/wire/metadefs/views.ts';
import { MAX_ITEM_BYTES, paramOf, type ReadBody, removeAll } from './requests.ts';

export function propertyRoutes(metadefs: MetadefController, read: ReadBody): readonly Route[] {
	async function list(c: AppContext): Promise<Response> {
		const properties = await metadefs.listItems(c.var.ctx, paramOf(c, 'namespace'), 'property');
		return respondJson(c, 200, { properties: viewProperties(properties) });
	}
	async function add(c: AppContext): Promise<Response> {
		const draft = parseProperty(await read(c, MAX_ITEM_BYTES));
		const property = await metadefs.addItem(c.var.ctx, paramOf(c, 'namespace'), 'property', draft);
		return respondJson(c, 201, viewProperty(property));
	}
	async function show(c: AppContext): Promise<Response> {
		const [namespace, name, resourceType] = [paramOf(c, 'namespace'), paramOf(c, 'name'), resourceTypeOf(queryOf(c.req.url))];
		const property =
			resourceType === undefined
				? await metadefs.showItem(c.var.ctx, namespace, 'property', name)
				: await metadefs.showPropertyOn(c.var.ctx, namespace, resourceType, name);
		return respondJson(c, 200, viewProperty(property));
	}
	async function update(c: AppContext): Promise<Response> {
		const draft = parseProperty(await read(c, MAX_ITEM_BYTES));
		const property = await metadefs.updateItem(c.var.ctx, paramOf(c, 'namespace'), 'property', paramOf(c, 'name'), draft);
		return respondJson(c, 200, viewProperty(property));
	}
	async function remove(c: AppContext): Promise<Response> {
		await metadefs.removeItem(c.var.ctx, paramOf(c, 'namespace'), 'property', paramOf(c, 'name'));
		return respond(c, 204, null);
	}
	const path = `${NAMESPACES_PATH}/:namespace/properties`;
	return [
		{ path, methods: { GET: bodyless(list), POST: add, DELETE: removeAll(metadefs, 'property') } },
		{ path: `${path}/:name`, methods: { GET: show, PUT: update, DELETE: remove } },
	];
}
