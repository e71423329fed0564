import type { Danger } from '#domain/ports/inspection.ts';
import { hasAt, toCount, view } from '../bytes.ts';
import { damage, danger, matched, unmet } from '../match.ts';
import { type Probe, take, type Wanting } from '../probe.ts';

/** QEMU's docs/interop/qcow2.txt names the fields. */
const V2_HEADER_BYTES = 72;
const V3_HEADER_BYTES = 104;
const SECTOR = 512;
const MAX_L1_BYTES = 32 * 1024 * 1024;
const MAX_SNAPSHOTS = 65_536;
const MAX_EXTENSIONS = 64;
const END_OF_EXTENSIONS = 0;
const DATA_FILE_NAME = 0x44415441;

/** what the further fields of version 3 are in version 2: no features, 16 bits a reference count, the length of the header */
const V2_FIELDS = Uint8Array.of(...new Uint8Array(27), 4, 0, 0, 0, V2_HEADER_BYTES);

const DATA_FILE = 1n << 2n;
const EXTENDED_L2 = 1n << 4n;
/** dirty, corrupt, external data file, compression type, extended L2 entries */
const KNOWN_FEATURES = 0b11111n;

/** What an image may refer to is in its first cluster: the header, then extensions. */
export function* probeQcow2(): Probe {
	const head = yield* take(0, V2_HEADER_BYTES);
	if (!hasAt(head, 0, 'QFI\xfb')) return undefined;
	const version = head.length < 8 ? 0 : view(head).getUint32(4);
	if (version !== 2 && version !== 3) return matched('qcow2', null, [damage('only qcow2 versions 2 and 3 are accepted')]);
	// In version 2 extensions begin where version 3 has more fields.
	const more = version === 2 ? V2_FIELDS : yield* take(V2_HEADER_BYTES, V3_HEADER_BYTES - V2_HEADER_BYTES);
	if (head.length + more.length < V3_HEADER_BYTES) return matched('qcow2', null, [damage('it ends inside its header')]);
	const header = headerOf(head, more);
	const dangers = headerDangers(header);
	// Where extensions are is only known of a header that is in order.
	if (dangers.length === 0) dangers.push(...(yield* extensionDangers(header.length, 2 ** header.clusterBits)));
	return matched('qcow2', header.size === null ? null : Math.floor(header.size / SECTOR) * SECTOR, dangers);
}

type Header = ReturnType<typeof headerOf>;

function headerOf(head: Uint8Array, more: Uint8Array) {
	const fields = view(head);
	const later = view(more);
	return {
		backingOffset: fields.getBigUint64(8),
		backingLength: fields.getUint32(16),
		clusterBits: fields.getUint32(20),
		/** bytes of the disk; null: more than 8 PiB */
		size: toCount(fields.getBigUint64(24)),
		encryption: fields.getUint32(32),
		l1Entries: fields.getUint32(36),
		snapshots: fields.getUint32(60),
		features: later.getBigUint64(0),
		refcountOrder: later.getUint32(24),
		length: later.getUint32(28),
		shortest: more === V2_FIELDS ? V2_HEADER_BYTES : V3_HEADER_BYTES,
	};
}

function headerDangers(header: Header): Danger[] {
	const { clusterBits, size, features } = header;
	const named = header.backingOffset !== 0n || header.backingLength !== 0;
	return unmet([
		[!named, danger('backing_file', 'it has a backing file')],
		[(features & DATA_FILE) === 0n, danger('data_file', 'its data lies in another file')],
		[(features & ~KNOWN_FEATURES) === 0n, danger('unknown_features', 'it has incompatible features that are not known')],
		[clusterBits >= minClusterBits(features) && clusterBits <= 21, damage('its cluster size is out of range')],
		[header.refcountOrder <= 6, damage('its reference counts are too wide')],
		[header.encryption <= 2, damage('its encryption is not known')],
		[header.length >= header.shortest && header.length % 8 === 0, damage('the length of its header is invalid')],
		[header.length <= 2 ** clusterBits, damage('its header is longer than a cluster')],
		[header.snapshots <= MAX_SNAPSHOTS, damage('it has too many snapshots')],
		[size !== null, damage('its disk is larger than 8 PiB')],
		[hasEnoughTables(header), damage('its L1 table does not fit its disk')],
	]).slice();
}

function minClusterBits(features: bigint): number {
	return (features & EXTENDED_L2) === 0n ? 9 : 14;
}

function hasEnoughTables({ size, clusterBits, features, l1Entries }: Header): boolean {
	const entryBits = (features & EXTENDED_L2) === 0n ? 3 : 4;
	const bytesOfEntry = 2 ** (2 * clusterBits - entryBits);
	return l1Entries * 8 <= MAX_L1_BYTES && (size ?? 0) / bytesOfEntry <= l1Entries;
}

/** The name of a data file counts without its feature bit, too: `qemu-img info` shows it, and others may use it. */
function* extensionDangers(start: number, end: number): Wanting<readonly Danger[]> {
	let at = start;
	for (let count = 0; at < end; count++) {
		if (count === MAX_EXTENSIONS) return [damage('it has too many header extensions')];
		const extension = yield* take(at, 8);
		if (extension.length < 8) return [damage('it ends inside its header extensions')];
		const length = view(extension).getUint32(4);
		at += 8;
		if (length > end - at) return [damage('a header extension is longer than its cluster')];
		const type = view(extension).getUint32(0);
		if (type === END_OF_EXTENSIONS) return [];
		if (type === DATA_FILE_NAME) return [danger('data_file', 'it names another file for its data')];
		at += Math.ceil(length / 8) * 8;
	}
	return [];
}
