/** An adopter over a site's parts, with the real inspection. */
import { type AdoptionParts, createAdopter } from '#domain/adoption.ts';
import type { FormatRules } from '#domain/format-match.ts';
import { anyArrival } from '#domain/ports/arrivals.ts';
import { createInspector } from '#inspection/inspector.ts';

const RULES: FormatRules = { requireMatch: true, gptChecksNotFatal: [], maxVirtualSize: Number.POSITIVE_INFINITY };

type Needed = Pick<AdoptionParts, 'catalogue' | 'data' | 'stores' | 'objects'> & Partial<AdoptionParts>;

export function testAdopter(parts: Needed) {
	return createAdopter({
		arrivals: anyArrival,
		createInspector,
		rules: RULES,
		diskFormats: ['raw', 'qcow2', 'vhd', 'vmdk', 'iso'],
		site: 'centre',
		hashAlgorithm: 'sha512',
		...parts,
	});
}
