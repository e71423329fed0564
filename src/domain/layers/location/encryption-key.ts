/**
 * The key that an image is encrypted with goes with it, when its properties say so (Glance: `_delete_encryption_key`). To be
 * asked once nothing brings the image back. It keeps no image and fails no request: a key that stays is a line in the log.
 *
 * Properties are what a tenant has written, so they name the key, and nobody's right to it. It is deleted with the token of
 * the caller who deletes the image, and only if that is a caller of the project that owns it: neither the node nor an
 * administrator is to delete a secret of their own because an image of somebody else names it.
 */
import type { RequestContext } from '#domain/context.ts';
import type { Image } from '#domain/image.ts';
import { UUID } from '#lib/uuid.ts';
import type { LocationOptions } from './shared.ts';

const KEY = 'cinder_encryption_key_id';
const POLICY = 'cinder_encryption_key_deletion_policy';

export type DropKey = (ctx: RequestContext, removed: Image) => Promise<void>;

export function keyDropping({ keys, log }: Pick<LocationOptions, 'keys' | 'log'>): DropKey {
	let hasSaidSo = false;

	return async (ctx, { id, owner, properties }) => {
		const key = properties[KEY];
		if (key === undefined || properties[POLICY] !== 'on_image_deletion') return;
		const stays = (fields: object, why: string) =>
			log.warn({ image: id, requestId: ctx.requestId, ...fields }, `the encryption key of a deleted image stays: ${why}`);
		// what is no id is not repeated: it may be a secret
		if (!UUID.test(key)) return stays({}, 'its id is not a uuid');
		if (ctx.door === 'task') return stays({ key }, "the scrubber ended the deletion, and acts in nobody's name");
		if (keys === undefined) {
			if (!hasSaidSo) stays({ key }, 'this node has no key manager (said once)');
			hasSaidSo = true;
			return;
		}
		if (ctx.credential === undefined) return stays({ key }, 'the caller has shown no token for the key manager');
		if (owner === null || ctx.project !== owner) return stays({ key }, "the caller is not of the owner's project");
		try {
			await keys.remove(key, ctx.credential);
			log.info({ image: id, key, requestId: ctx.requestId }, 'an encryption key was deleted with its image');
		} catch (err) {
			stays({ key, err }, 'the key manager has not deleted it');
		}
	};
}
