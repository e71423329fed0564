/** One pass over the bytes of an object that is to become an image: what they are, and whether they may. */
import type { RequestContext } from './context.ts';
import { ImageError } from './errors.ts';
import { type FormatRules, judge, judgeEarly, safeFormat } from './format-match.ts';
import type { Image } from './image.ts';
import type { Arrivals } from './ports/arrivals.ts';
import type { Finding, Inspector } from './ports/inspection.ts';

export interface AdoptionLooking {
	readonly arrivals: Arrivals;
	createInspector(): Inspector;
	readonly rules: FormatRules;
	/** what disk_format may be */
	readonly diskFormats: readonly string[];
}

export interface AdoptionLook {
	through(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
	/** After the last byte. Errors as of `Arrival.settle`. */
	settle(): Promise<{ readonly format: string; readonly virtualSize: number | null }>;
}

/** By what its record declares, its signature included; a format that nobody has declared is found out. */
export async function lookingAt(ctx: RequestContext, image: Image | undefined, parts: AdoptionLooking): Promise<AdoptionLook> {
	const arrival = image && (await parts.arrivals.begin(ctx, image));
	const through: AdoptionLook['through'] = (source) => arrival?.through(source) ?? source;
	const declared = image?.diskFormat ?? null;
	if (declared !== null)
		return { through, settle: async () => ({ virtualSize: null, ...(await arrival?.settle()), format: declared }) };
	const inspector = parts.createInspector();
	return {
		through: (source) => inspected(through(source), inspector, parts.rules),
		async settle() {
			await arrival?.settle();
			return found(inspector.finish(), parts);
		},
	};
}

const UNDECLARED = { diskFormat: null, containerFormat: 'bare' };

async function* inspected(
	source: AsyncIterable<Uint8Array>,
	inspector: Inspector,
	rules: FormatRules,
): AsyncGenerator<Uint8Array> {
	for await (const chunk of source) {
		inspector.feed(chunk);
		judgeEarly(UNDECLARED, inspector.soFar(), rules);
		yield chunk;
	}
}

function found(finding: Finding, { rules, diskFormats }: AdoptionLooking) {
	const format = nameable(safeFormat(finding, rules), diskFormats);
	return { format, virtualSize: judge({ diskFormat: format, containerFormat: 'bare' }, finding, rules).virtualSize };
}

/** A disk with partitions is a raw one, unless images may say more. */
function nameable(format: string, diskFormats: readonly string[]): string {
	if (diskFormats.includes(format)) return format;
	if (format === 'gpt') return 'raw';
	throw new ImageError('unsupported-type', `its format is ${format}, which no image may have here`);
}
