/** What bytes must pass before they are an image's, put together. Part of the composition root; it decides nothing. */
import type { AdoptionLooking } from '#domain/adoption-look.ts';
import { buildArrivals } from '#domain/arrivals.ts';
import type { Signatures } from '#domain/ports/signatures.ts';
import { createInspector } from '#inspection/inspector.ts';
import type { Surroundings } from './surroundings.ts';

export function openArrivals({ config, log }: Surroundings, signatures: Signatures): AdoptionLooking {
	const { vmdkTypes, ...rules } = config.formats;
	const createOne = () => createInspector({ vmdkTypes });
	const arrivals = buildArrivals({ createInspector: createOne, rules, signatures, log });
	return { arrivals, createInspector: createOne, rules, diskFormats: config.api.diskFormats };
}
