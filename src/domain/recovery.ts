import type { Image, ImageId } from './image.ts';
import { IMPORT_TASK, IMPORTING } from './import-request.ts';
import type { Op } from './ops.ts';
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
	const lost: Image[] = [];
	// records from before nodes were told apart name no worker
	for (const status of statuses)
		for await (const image of catalogue.imagesIn(status))
			if (image.site === site && (image.worker ?? node) === node && isLost(image)) lost.push(image);
	for (const image of lost) await catalogue.commit(requeued(image));
	return lost.map(({ id }) => id);
}

/** Whoever looks for stray objects must see that nothing is coming any more. */
function requeued({ id, properties }: Image): readonly Op[] {
	const isHeld = Object.hasOwn(properties, IMPORT_TASK);
	return [
		{ type: 'image.status', id, status: 'queued' },
		...(isHeld ? [{ type: 'image.update', id, setProperties: { [IMPORTING]: '' }, dropProperties: [IMPORT_TASK] } as const] : []),
	];
}
