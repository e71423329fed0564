/**
 * The scrubber: ends deletions. Images that were deleted with delay wait until their time is up; those whose stores were down,
 * or whose node stopped in the middle, are tried again each time. Until then an operator may have one back.
 */
import type { Log } from '#lib/log.ts';
import { oneAtATime } from '#lib/one-at-a-time.ts';
import type { RequestContext } from './context.ts';
import { codeOf, ImageError } from './errors.ts';
import type { ImageId } from './image.ts';
import { removingVerbs } from './layers/location/removing.ts';
import { type LocationOptions, locationOver } from './layers/location/shared.ts';
import type { Catalogue } from './ports/catalogue.ts';

export interface Scrubber {
	/** Ends every deletion of this site whose time is up; how many images went. */
	scrub(options: { readonly signal: AbortSignal }): Promise<number>;
	/** A deleted image that has not been scrubbed yet is active again. `not-found`, `conflict` for any other. */
	restore(id: ImageId): Promise<void>;
	/** Ids of images that wait. */
	waiting(): AsyncIterable<ImageId>;
}

export interface ScrubberParts extends LocationOptions {
	readonly catalogue: Catalogue;
	/** after its deletion an image is kept for so long; milliseconds */
	readonly scrubAfterMs: number;
	/** UTC milliseconds */
	readonly clock: () => number;
}

export function createScrubber(parts: ScrubberParts): Scrubber {
	const { catalogue, site, scrubAfterMs, clock, log } = parts;
	const location = locationOver(parts);
	const { scrub } = removingVerbs(location);
	/** Of one image: what is being taken out of its stores cannot be had back. */
	const alone = oneAtATime();
	const waits = (id: ImageId) => catalogue.image(id)?.status === 'pending_delete';

	async function* waiting(): AsyncGenerator<ImageId> {
		for await (const image of catalogue.imagesIn('pending_delete')) if (image.site === site) yield image.id;
	}

	return {
		waiting,
		async scrub({ signal }) {
			const due = clock() - scrubAfterMs;
			let scrubbed = 0;
			for await (const id of waiting()) {
				if (signal.aborted) break;
				if ((catalogue.image(id)?.updatedAt ?? 0) > due) continue;
				const scrubbedIt = await alone(id, async () => waits(id) && ended(scrub(scrubbing(signal), id), id, log));
				if (scrubbedIt) scrubbed += 1;
			}
			return scrubbed;
		},
		async restore(id) {
			await alone(id, () =>
				location.change(id, ({ status }) => {
					if (status !== 'pending_delete') throw new ImageError('conflict', `image ${id} is ${status} and was not deleted`);
					return [{ type: 'image.status', id, status: 'active' }];
				}),
			);
		},
	};
}

async function ended(work: Promise<void>, id: ImageId, log: Log): Promise<boolean> {
	try {
		await work;
		return true;
	} catch (error) {
		if (codeOf(error) !== 'not-found') log.warn({ err: error, image: id }, 'a deleted image stays for the next time');
		return false;
	}
}

/** Nobody asks: what is scrubbed was decided on when it was deleted. */
function scrubbing(signal: AbortSignal): RequestContext {
	return { requestId: 'req-scrubber', user: null, project: null, roles: [], admin: true, door: 'task', signal };
}
