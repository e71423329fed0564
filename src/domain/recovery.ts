import type { Image, ImageId } from './image.ts';
import type { Catalogue } from './ports/catalogue.ts';

export interface RecoveryParts {
	readonly catalogue: Catalogue;
	readonly site: string;
	/** peer id of this very node */
	readonly node: string;
}

/**
 * Before the doors open: an upload that a crash of this node cut short left its image `saving`, or `uploading` without
 * staged data, and nobody else will ever finish it. It goes back to `queued`; its bytes were never named by a record and
 * are the collector's. Resolves to the ids.
 */
export function recoverInterrupted(parts: RecoveryParts): Promise<readonly ImageId[]> {
	return requeue(parts, ['saving', 'uploading'], ({ staged }) => staged === null);
}

/** The same for imports that no task will ever end. What was staged is let go. */
export function recoverImports(parts: RecoveryParts, hasTask: (id: ImageId) => boolean): Promise<readonly ImageId[]> {
	return requeue(parts, ['importing'], ({ id }) => !hasTask(id));
}

async function requeue(
	{ catalogue, site, node }: RecoveryParts,
	statuses: readonly Image['status'][],
	isLost: (image: Image) => boolean,
): Promise<readonly ImageId[]> {
	const lost: ImageId[] = [];
	// records from before nodes were told apart name no worker
	for (const status of statuses)
		for await (const image of catalogue.imagesIn(status))
			if (image.site === site && (image.worker ?? node) === node && isLost(image)) lost.push(image.id);
	for (const id of lost) await catalogue.commit([{ type: 'image.status', id, status: 'queued' }]);
	return lost;
}
