/** What bytes must pass before they are an image's, put together. Part of the composition root; it decides nothing. */
import { buildArrivals } from '#domain/arrivals.ts';
import type { Arrivals } from '#domain/ports/arrivals.ts';
import type { Signatures } from '#domain/ports/signatures.ts';
import { createInspector } from '#inspection/inspector.ts';
import type { Surroundings } from './surroundings.ts';

export function openArrivals({ config, log }: Surroundings, signatures: Signatures): Arrivals {
	const { vmdkTypes, ...rules } = config.formats;
	return buildArrivals({ createInspector: () => createInspector({ vmdkTypes }), rules, signatures, log });
}
