/**
 * The text inside a VMDK that says what it is made of. Readers differ in how they take it apart, so only a text that leaves
 * no room for differences passes: known lines, each word that matters once, and one extent, the file itself.
 */

export interface ExpectedDisk {
	/** sectors of the whole disk and of a grain, from the header */
	readonly capacity: bigint;
	readonly grain: bigint;
	readonly compressed: boolean;
	/** createTypes, in any case */
	readonly allowedTypes: readonly string[];
}

const MAX_LINES = 4096;
const STREAM_OPTIMIZED = 'streamoptimized';
const FIELD = /^([a-z]\w*(?:\.\w+)*)[ \t]*=[ \t]*(.*)$/i;
const EXTENT = /^(?:RW|RDONLY)[ \t]+(\d{1,18})[ \t]+SPARSE[ \t]+"([^"]+)"$/i;
/** a parent by name or by address, in a remark too: some look for the word alone */
const PARENT = /parentfilenamehint|parenturi|nativeparent/i;

/** What each line besides `ddb.…` may say. */
const FIELDS = new Map<string, RegExp>([
	['version', /^[1-4]$/],
	['encoding', /^"[\w-]+"$/],
	['cid', /^[0-9a-f]{1,8}$/i],
	['parentcid', /^f{8}$/i],
	['isnativesnapshot', /^"no"$/i],
	['createtype', /^"\w+"$/],
]);

/** Undefined: nothing is wrong with it. */
export function descriptorFault(text: string, disk: ExpectedDisk): string | undefined {
	if (/[^\t\n\r\x20-\x7e]/.test(text) || /\r(?!\n)/.test(text)) return 'its descriptor has characters that do not belong there';
	if (PARENT.test(text)) return 'it has a parent image';
	const lines = text.split('\n', MAX_LINES + 1);
	if (lines.length > MAX_LINES) return 'its descriptor has too many lines';
	const said = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
	const [extent, ...moreExtents] = said.filter((line) => !FIELD.test(line));
	if (extent === undefined) return 'its descriptor has no extent';
	if (moreExtents.length > 0) return 'its descriptor has more than one extent, or lines that are not known';
	return fieldsFault(text, said, disk) ?? extentFault(extent, disk);
}

function fieldsFault(text: string, lines: readonly string[], disk: ExpectedDisk): string | undefined {
	const fields = new Map<string, string>();
	for (const line of lines) {
		const [, name = '', value = ''] = FIELD.exec(line) ?? [];
		const key = name.toLowerCase();
		if (key === '' || key.startsWith('ddb.')) continue;
		if (fields.has(key) || !FIELDS.get(key)?.test(value)) return 'its descriptor has a line that is not known, or twice';
		fields.set(key, value);
	}
	if (!fields.has('cid') || !fields.has('parentcid')) return 'its descriptor lacks a line';
	if (text.match(/createtype/gi)?.length !== 1) return 'its descriptor must have one createType';
	return typeFault((fields.get('createtype') ?? '').replaceAll('"', '').toLowerCase(), disk);
}

function typeFault(type: string, { compressed, allowedTypes }: ExpectedDisk): string | undefined {
	if (!allowedTypes.some((allowed) => allowed.toLowerCase() === type)) return 'its createType is not among the accepted ones';
	if (compressed !== (type === STREAM_OPTIMIZED)) return 'its createType does not fit its header';
	return undefined;
}

/** Names are of no use, the extent is this very file; but they must not lead elsewhere. Capacity is whole grains. */
function extentFault(line: string, { capacity, grain }: ExpectedDisk): string | undefined {
	const [, sectors, name] = EXTENT.exec(line) ?? [];
	if (sectors === undefined || name === undefined) return 'its extent is not a sparse one of its own';
	if (/[/\\:]/.test(name) || name.startsWith('.')) return 'its extent names a file elsewhere';
	const rest = capacity - BigInt(sectors);
	if (rest < 0n || (rest > 0n && rest >= grain)) return 'its extent is not as large as its header says';
	return undefined;
}
