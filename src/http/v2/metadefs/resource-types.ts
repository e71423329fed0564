import type { MetadefController } from '#domain/metadefs/controller.ts';
import type { AppContext } from '#http/env.ts';
import { respond, respondJson } from '#http/respond.ts';
import { bodyless, type Route } from '#http/route.ts';
import { parseAssociation } from '#http/wire/metadefs/drafts.ts';
import { NAMESPACES_PATH, viewAssociation, viewResourceType } from '#http/wire/metadefs/views.ts';
import { MAX_ITEM_BYTES, paramOf, type ReadBody } from './requests.ts';

/** Resource types, and with which of them a namespace is associated. */
export function resourceTypeRoutes(metadefs: MetadefController, read: ReadBody): readonly Route[] {
	async function listAll(c: AppContext): Promise<Response> {
		const types = await metadefs.listResourceTypes(c.var.ctx);
		return respondJson(c, 200, { resource_types: types.map(viewResourceType) });
	}
	async function list(c: AppContext): Promise<Response> {
		const associations = await metadefs.listItems(c.var.ctx, paramOf(c, 'namespace'), 'association');
		return respondJson(c, 200, { resource_type_associations: associations.map(viewAssociation) });
	}
	async function add(c: AppContext): Promise<Response> {
		const draft = parseAssociation(await read(c, MAX_ITEM_BYTES));
		const association = await metadefs.addItem(c.var.ctx, paramOf(c, 'namespace'), 'association', draft);
		return respondJson(c, 201, viewAssociation(association));
	}
	async function remove(c: AppContext): Promise<Response> {
		await metadefs.removeItem(c.var.ctx, paramOf(c, 'namespace'), 'association', paramOf(c, 'name'));
		return respond(c, 204, null);
	}
	const path = `${NAMESPACES_PATH}/:namespace/resource_types`;
	return [
		{ path: '/v2/metadefs/resource_types', methods: { GET: bodyless(listAll) } },
		{ path, methods: { GET: bodyless(list), POST: add } },
		{ path: `${path}/:name`, methods: { DELETE: bodyless(remove) } },
	];
}
