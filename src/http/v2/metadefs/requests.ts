import type { EditableKind, MetadefController } from '#domain/metadefs/controller.ts';
import type { AppContext, Handler } from '#http/env.ts';
import { respond } from '#http/respond.ts';

/** The JSON body of a request of at most so many bytes. */
export type ReadBody = (c: AppContext, maxBytes: number) => Promise<unknown>;

/** Of anything but a namespace with all that is in it. */
export const MAX_ITEM_BYTES = 192 * 1024;

export function paramOf(c: AppContext, name: 'namespace' | 'name'): string {
	return c.req.param(name) ?? '';
}

/** Deletes all of a kind: the same for properties, objects and tags. */
export function removeAll(metadefs: MetadefController, kind: EditableKind): Handler {
	return async (c) => {
		await metadefs.removeAllItems(c.var.ctx, paramOf(c, 'namespace'), kind);
		return respond(c, 204, null);
	};
}
