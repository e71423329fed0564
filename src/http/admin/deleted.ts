import type { Log } from '#lib/log.ts';
import type { AppContext } from '../env.ts';
import { jsonLines } from '../json-lines.ts';
import type { DeletedImages } from '../ports.ts';
import { respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';
import { adminOnly } from './guards.ts';

/** Images that were deleted and can still be had back: a line each, and one of them at a time. */
export function deletedRoutes(deleted: DeletedImages, log: Log): readonly Route[] {
	const list = (c: AppContext): Promise<Response> =>
		jsonLines(c, log, async (write) => {
			for await (const image of deleted.list()) await write(image);
		});
	async function restore(c: AppContext): Promise<Response> {
		const id = c.req.param('id') ?? '';
		await deleted.restore(id);
		return respondJson(c, 200, { id, status: 'active' });
	}
	return [
		{ path: '/admin/v1/images/deleted', methods: { GET: adminOnly(bodyless(list)) } },
		{ path: '/admin/v1/images/:id/restore', methods: { POST: adminOnly(bodyless(restore)) } },
	];
}
