import type { Danger } from '#domain/ports/inspection.ts';
import { hasAt, isSame, toCount, view } from '../bytes.ts';
import { damage, danger, matched, unmet } from '../match.ts';
import { type Probe, take, type Wanting } from '../probe.ts';

/** [MS-VHDX] names the structures: §2.2.3 region tables, §2.6 metadata. Little-endian all over. */
const TABLE_BYTES = 64 * 1024;
const REGION_TABLE_AT = 192 * 1024;
const MAX_ENTRIES = 2047;
const ENTRY_BYTES = 32;

const REGIONS = { bat: '2dc27766f62342009d64115e9bfd4a08', metadata: '8b7ca20647904b9ab8fe575f050f886e' };
const ITEMS = {
	fileParameters: 'caa16737fa364d43b3b633f0aa44e76b',
	diskSize: '2fa54224cd1b4876b2115dbed83bf4b8',
	diskId: 'beca12abb2e6452393efc309e000c746',
	logicalSector: '8141bf1da96f4709ba47f233a8faab5f',
	physicalSector: 'cda348c7445d44719cc9e9885251c556',
	parentLocator: 'a8d35f2db30b454dabf7d3d84834ab0c',
};
const REQUIRED_REGION = 0x1;
const REQUIRED_ITEM = 0x4;
const HAS_PARENT = 0x2;

interface Entry {
	/** GUID, hex */
	readonly id: string;
	readonly fields: DataView;
}

export function* probeVhdx(): Probe {
	const head = yield* take(0, 8);
	if (!hasAt(head, 0, 'vhdxfile')) return undefined;
	const regions = yield* take(REGION_TABLE_AT, TABLE_BYTES);
	const copy = yield* take(REGION_TABLE_AT + TABLE_BYTES, TABLE_BYTES);
	const entries = entriesOf(regions, 'regi', 16, (fields) => fields.getUint32(8, true));
	if (entries === undefined) return bad('its region table is damaged');
	// Some read the first of the two, some the second when the first does not please them.
	if (!isSame(regions, copy)) return bad('its two region tables differ');
	const metadata = theOne(entries, REGIONS.metadata);
	if (metadata === undefined || theOne(entries, REGIONS.bat) === undefined) return bad('it lacks a region, or has it twice');
	if (unknown(entries, REGIONS, ({ fields }) => fields.getUint32(28, true) & REQUIRED_REGION)) return unknownPart();
	return yield* probeMetadata(toCount(metadata.fields.getBigUint64(16, true)) ?? Number.MAX_SAFE_INTEGER);
}

function* probeMetadata(start: number): Probe {
	const table = yield* take(start, TABLE_BYTES);
	const entries = entriesOf(table, 'metadata', 32, (fields) => fields.getUint16(10, true));
	if (entries === undefined) return bad('its metadata table is damaged or out of place');
	if (theOne(entries, ITEMS.parentLocator) !== undefined) return parent();
	if (unknown(entries, ITEMS, ({ fields }) => fields.getUint32(24, true) & REQUIRED_ITEM)) return unknownPart();
	const wanted = [theOne(entries, ITEMS.fileParameters), theOne(entries, ITEMS.diskSize)].filter((entry) => entry !== undefined);
	if (wanted.length < 2) return bad('it lacks an item of its metadata, or has it twice');
	const items = yield* takeItems(start, wanted);
	const parameters = items.get(ITEMS.fileParameters);
	const diskSize = items.get(ITEMS.diskSize);
	if (parameters === undefined || diskSize === undefined) return bad('an item of its metadata is out of place');
	if ((parameters.getUint32(4, true) & HAS_PARENT) !== 0) return parent();
	const size = toCount(diskSize.getBigUint64(0, true));
	return matched('vhdx', size, unmet([[size !== null, damage('its disk is larger than 8 PiB')]]));
}

/** Items of eight bytes, in the order of their places. */
function* takeItems(start: number, entries: readonly Entry[]): Wanting<ReadonlyMap<string, DataView>> {
	const items = new Map<string, DataView>();
	const places = entries.map(({ id, fields }) => ({ id, at: fields.getUint32(16, true) })).sort((a, b) => a.at - b.at);
	for (const { id, at } of places) {
		const item = yield* take(start + at, 8);
		if (item.length === 8) items.set(id, view(item));
	}
	return items;
}

function entriesOf(
	table: Uint8Array,
	signature: string,
	first: number,
	countOf: (fields: DataView) => number,
): readonly Entry[] | undefined {
	if (table.length < TABLE_BYTES || !hasAt(table, 0, signature)) return undefined;
	const count = countOf(view(table));
	if (count > MAX_ENTRIES) return undefined;
	return Array.from({ length: count }, (_, index) => {
		const entry = table.subarray(first + index * ENTRY_BYTES, first + (index + 1) * ENTRY_BYTES);
		return { id: guidOf(entry), fields: view(entry) };
	});
}

/** The first three parts of a GUID are numbers, written from their low bytes on. */
function guidOf(entry: Uint8Array): string {
	const bytes = Buffer.from(entry.subarray(0, 16));
	bytes.subarray(0, 4).reverse();
	bytes.subarray(4, 6).reverse();
	bytes.subarray(6, 8).reverse();
	return bytes.toString('hex');
}

/** Undefined when there is none, and when there are several. */
function theOne(entries: readonly Entry[], id: string): Entry | undefined {
	const [entry, ...more] = entries.filter((each) => each.id === id);
	return more.length === 0 ? entry : undefined;
}

function unknown(entries: readonly Entry[], known: Record<string, string>, isRequired: (entry: Entry) => number): boolean {
	return entries.some((entry) => !Object.values(known).includes(entry.id) && isRequired(entry) !== 0);
}

function bad(why: string) {
	return refused(damage(why));
}

function parent() {
	return refused(danger('backing_file', 'it is a difference to a parent image'));
}

function unknownPart() {
	return refused(danger('unknown_features', 'it requires parts that are not known'));
}

function refused(reason: Danger) {
	return matched('vhdx', null, [reason]);
}
