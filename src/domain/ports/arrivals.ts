/** What bytes must pass before they become an image's: their format, and who signed them. */
import type { RequestContext } from '../context.ts';
import type { Image } from '../image.ts';

export interface Arrivals {
	/** Before the first byte is asked for: `invalid` when an image like this can never pass (a certificate that is not there). */
	begin(ctx: RequestContext, image: Image): Promise<Arrival>;
}

/** One passing of all bytes of one image. */
export interface Arrival {
	/** The same bytes, looked at on their way. */
	through(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
	/** After the last byte. `unsupported-type` for bytes that are not of the declared format or not safe, `invalid` for a wrong signature. */
	settle(): Promise<ArrivalFacts>;
}

export interface ArrivalFacts {
	/** bytes of the disk inside; null: not known */
	readonly virtualSize: number | null;
}

/** Everything passes, nothing is known. */
export const anyArrival: Arrivals = {
	begin: async () => ({ through: (source) => source, settle: async () => ({ virtualSize: null }) }),
};
