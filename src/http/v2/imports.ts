import { ImageError } from '#domain/errors.ts';
import type { ImportController } from '#domain/imports/controller.ts';
import type { ImageRules } from '#http/wire/image-rules.ts';
import { parseImportRequest } from '#http/wire/import-request.ts';
import type { AppContext } from '../env.ts';
import { jsonBody } from '../json-body.ts';
import { respond, respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';
import { idOf } from './images.ts';

const MAX_IMPORT_BYTES = 64 * 1024;

/** Image API v2, "Import an image" and "Import methods and values discovery". */
export function importRoutes(imports: ImportController, { storesShown }: Pick<ImageRules, 'storesShown'>): readonly Route[] {
	async function start(c: AppContext): Promise<Response> {
		const header = c.req.header('x-image-meta-store');
		const request = parseImportRequest(await jsonBody(c, MAX_IMPORT_BYTES), imports.methods, header);
		if (storesShown === 'none' && request.allStoresMustSucceed === false)
			throw new ImageError('invalid', 'all_stores_must_succeed can be false only where there are several stores');
		await imports.start(c.var.ctx, idOf(c), request);
		return respond(c, 202, null);
	}
	const methods = { description: 'Import methods available.', type: 'array', value: imports.methods };
	return [
		{ path: '/v2/images/:id/import', methods: { POST: start } },
		{ path: '/v2/info/import', methods: { GET: bodyless((c) => respondJson(c, 200, { 'import-methods': methods })) } },
	];
}
