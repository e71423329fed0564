/**
 * What becomes of an image whose bytes have been inspected. Source of the rules: Glance's upload since 2025.1, with the
 * differences of docs/decisions/0021-format-inspection.md.
 */
import { ImageError } from './errors.ts';
import type { Image } from './image.ts';
import { type Danger, type Finding, type FormatMatch, INSPECTED_FORMATS, type InspectedFormat } from './ports/inspection.ts';

export type DeclaredFormats = Pick<Image, 'diskFormat' | 'containerFormat'>;

export interface FormatRules {
	/** false: what differs from its disk_format is accepted with a warning, unless it is dangerous */
	readonly requireMatch: boolean;
	/** checks of gpt that may fail: mbr, gptmbr */
	readonly gptChecksNotFatal: readonly string[];
	/** bytes that a disk inside may have; Infinity: any number */
	readonly maxVirtualSize: number;
}

export interface Judgement {
	/** what the image's virtual_size becomes */
	readonly virtualSize: number | null;
	/** for the log: accepted, but not what it claims to be */
	readonly warning?: string;
}

/** A format that may be seen inside of another one that encloses it: the outer one counts. */
const ENCLOSED = [
	// A disc that also starts from a USB stick carries a partition table in its unused first sectors.
	{ outer: 'iso', inner: 'gpt' },
	// A fixed VHD is the disk itself, partition table first, and a footer.
	{ outer: 'vhd', inner: 'gpt' },
];

/** `unsupported-type` when the image must be refused, `too-large` when its disk would be larger than the rules allow. */
export function judge(declared: DeclaredFormats, finding: Finding, rules: FormatRules): Judgement {
	if (declared.containerFormat !== 'bare') return { virtualSize: null };
	const counted = countedMatches(finding);
	for (const match of counted) assertHarmless(match, rules);
	const judgement = counted.length > 1 ? severalFormats(counted, rules) : oneFormat(declared, finding, counted[0], rules);
	assertFits(judgement.virtualSize, rules);
	return judgement;
}

/**
 * Throws as `judge` will when that is certain already, so that the rest of the bytes need not come. Cheap: it may be asked
 * after every chunk.
 */
export function judgeEarly(declared: DeclaredFormats, soFar: Finding, rules: FormatRules): void {
	if (declared.containerFormat !== 'bare') return;
	// Whether gpt counts is known in the end only.
	for (const match of soFar.matches) if (match.format !== 'gpt') assertHarmless(match, rules);
}

/** The one format that an image has, whatever was said of it. Throws as `judge` does, of several formats always. */
export function safeFormat(finding: Finding, rules: Omit<FormatRules, 'requireMatch'>): InspectedFormat {
	const counted = countedMatches(finding);
	for (const match of counted) assertHarmless(match, rules);
	if (counted.length > 1) severalFormats(counted, { requireMatch: true });
	return counted[0]?.format ?? 'raw';
}

function countedMatches({ matches }: Finding): readonly FormatMatch[] {
	const [first, second, ...more] = matches;
	if (first === undefined || second === undefined || more.length > 0) return matches;
	const found = [first, second];
	const pair = ENCLOSED.find(({ outer, inner }) => [outer, inner].every((name) => found.some(({ format }) => format === name)));
	return pair === undefined ? matches : found.filter(({ format }) => format === pair.outer);
}

function severalFormats(matches: readonly FormatMatch[], rules: Pick<FormatRules, 'requireMatch'>): Judgement {
	const names = matches.map(({ format }) => format).sort();
	return mismatch(`content is of several formats at once: ${names.join(', ')}`, rules);
}

function oneFormat(declared: DeclaredFormats, { size }: Finding, match: FormatMatch | undefined, rules: FormatRules): Judgement {
	const claimed = declared.diskFormat;
	const found = match?.format ?? 'raw';
	if (found === claimed) return { virtualSize: match === undefined ? size : match.virtualSize };
	if (match === undefined && !isInspected(claimed)) return { virtualSize: null };
	if (claimed === 'raw') return { virtualSize: size, warning: `disk_format is raw, but the content is ${found}` };
	return mismatch(`disk_format is ${claimed}, but the content is ${found}`, rules);
}

function mismatch(what: string, { requireMatch }: Pick<FormatRules, 'requireMatch'>): Judgement {
	if (requireMatch) throw new ImageError('unsupported-type', what);
	return { virtualSize: null, warning: what };
}

function isInspected(format: string | null): boolean {
	return INSPECTED_FORMATS.some((name) => name === format);
}

function assertHarmless(match: FormatMatch, rules: Omit<FormatRules, 'requireMatch'>): void {
	const isFatal = ({ check }: Danger) => match.format !== 'gpt' || !rules.gptChecksNotFatal.includes(check);
	const reasons = match.dangers.filter(isFatal).map(({ why }) => why);
	if (reasons.length > 0)
		throw new ImageError('unsupported-type', `content is refused, as ${match.format} it is not safe: ${reasons.join('; ')}`);
	// Of an image that is not what it claims to be, too: who opens it may look for himself.
	assertFits(match.virtualSize, rules);
}

function assertFits(virtualSize: number | null, { maxVirtualSize }: Pick<FormatRules, 'maxVirtualSize'>): void {
	if (virtualSize !== null && virtualSize > maxVirtualSize)
		throw new ImageError('too-large', `the disk inside would have ${virtualSize} bytes, the limit is ${maxVirtualSize}`);
}
