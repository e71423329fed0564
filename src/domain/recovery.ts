import type { ImageId } from './image.ts';
import type { Catalogue } from './ports/catalogue.ts';

/**
 * Before the doors open: an upload that a crash cut short left its image `saving`, or `uploading` without staged data, and
 * nobody else will ever finish it. Each such image of this site goes back to `queued`; its bytes were never named by a record and are the collector's.
 * Resolves to the ids. Must not run while uploads are accepted anywhere on this site.
 */
export async function recoverInterrupted(parts: {
	readonly catalogue: Catalogue;
	readonly site: string;
}): Promise<readonly ImageId[]> {
	const { catalogue, site } = parts;
	const interrupted: ImageId[] = [];
	for (const status of ['saving', 'uploading'] as const)
		for await (const image of catalogue.imagesIn(status))
			if (image.site === site && image.staged === null) interrupted.push(image.id);
	for (const id of interrupted) await catalogue.commit([{ type: 'image.status', id, status: 'queued' }]);
	return interrupted;
}
