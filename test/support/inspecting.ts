import { type DeclaredFormats, type FormatRules, type Judgement, judge } from '#domain/format-match.ts';
import type { Finding, InspectorOptions } from '#domain/ports/inspection.ts';
import { createInspector } from '#inspection/inspector.ts';

export const STRICT: FormatRules = { requireMatch: true, gptChecksNotFatal: [], maxVirtualSize: Number.POSITIVE_INFINITY };

/** `cuts`: lengths of the chunks, the rest comes as one. */
export function inspected(image: Uint8Array, cuts: readonly number[] = [], options: InspectorOptions = {}): Finding {
	const inspector = createInspector(options);
	let at = 0;
	for (const length of cuts) {
		inspector.feed(image.subarray(at, at + length));
		at += length;
	}
	inspector.feed(image.subarray(at));
	return inspector.finish();
}

export function judged(image: Uint8Array, diskFormat: string, rules: Partial<FormatRules> = {}): Judgement {
	return judge(bare(diskFormat), inspected(image), { ...STRICT, ...rules });
}

export function bare(diskFormat: string): DeclaredFormats {
	return { diskFormat, containerFormat: 'bare' };
}
