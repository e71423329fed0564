import type { Danger } from '#domain/ports/inspection.ts';
import { hasAt, isSame, isZero, latin1, toCount, view } from '../bytes.ts';
import { damage, danger, matched, unmet } from '../match.ts';
import { ending, type Probe, TAIL_BYTES, take, type Wanting } from '../probe.ts';
import { descriptorFault } from './vmdk-descriptor.ts';

/** VMware's "Virtual Disk Format 5.0" names the structures. Little-endian. */
const SECTOR = 512;
const DESCRIPTOR_AT = SECTOR;
/** qemu looks for a parent's name in this many bytes, whatever the header says */
const ALWAYS_READ = 20 * SECTOR;
/** less than the 1 MiB - 1 of qemu: nothing more than 1 MiB is kept in all */
const MAX_DESCRIPTOR_SECTORS = 1920;
/** the part of a file that qemu takes for a descriptor */
const MAX_TEXT = 1024 * 1024 - 1;
const TEXT_STEP = 64 * 1024;
const CREATE_TYPE = /createtype/i;
const GD_AT_END = 0xffff_ffff_ffff_ffffn;
const FLAG_NEWLINES = 1;
const FOOTER_MARKER = 3;
const END_MARKER = 0;

type Header = ReturnType<typeof headerOf>;

/** `allowedTypes`: createTypes, in any case. */
export function* probeVmdk(allowedTypes: readonly string[]): Probe {
	const head = yield* take(0, SECTOR);
	if (hasAt(head, 0, 'COWD'))
		return matched('vmdk', null, [danger('descriptor', 'extents without a descriptor are not accepted')]);
	if (!hasAt(head, 0, 'KDMV')) return yield* probeText(head);
	if (head.length < SECTOR) return matched('vmdk', null, [damage('it ends inside its header')]);
	const header = headerOf(head);
	const size = toCount(header.capacity * BigInt(SECTOR));
	const dangers = [...headerDangers(header, size)];
	if (dangers.length === 0) dangers.push(...(yield* descriptorDangers(header, allowedTypes)));
	if (dangers.length === 0 && header.directoryAt === GD_AT_END) dangers.push(...(yield* footerDangers(head)));
	return matched('vmdk', size, dangers);
}

function headerOf(head: Uint8Array) {
	const fields = view(head);
	return {
		version: fields.getUint32(4, true),
		flags: fields.getUint32(8, true),
		/** sectors, as all that follows */
		capacity: fields.getBigUint64(12, true),
		grain: fields.getBigUint64(20, true),
		descriptorAt: fields.getBigUint64(28, true),
		descriptorSize: fields.getBigUint64(36, true),
		directoryAt: fields.getBigUint64(56, true),
		newlines: latin1(head.subarray(73, 77)),
		compressed: fields.getUint16(77, true) !== 0,
	};
}

function headerDangers(header: Header, size: number | null): readonly Danger[] {
	const { descriptorSize } = header;
	const newlinesMatter = (header.flags & FLAG_NEWLINES) !== 0;
	return unmet([
		[header.version >= 1 && header.version <= 3, damage('only VMDK versions 1 to 3 are accepted')],
		[header.capacity > 0n, danger('descriptor', 'its header has no disk of its own')],
		[size !== null, damage('its disk is larger than 8 PiB')],
		[header.descriptorAt === 1n, danger('descriptor', 'its descriptor is not where it must be')],
		[
			descriptorSize > 0n && descriptorSize <= MAX_DESCRIPTOR_SECTORS,
			danger('descriptor', 'its descriptor is missing or too long'),
		],
		[!newlinesMatter || header.newlines === '\n \r\n', damage('its line ends were changed on the way')],
	]);
}

/** Text goes to the first NUL for some readers and to the last byte for others: nothing may follow that NUL. */
function* descriptorDangers(header: Header, allowedTypes: readonly string[]): Wanting<readonly Danger[]> {
	const size = Number(header.descriptorSize) * SECTOR;
	const read = yield* take(DESCRIPTOR_AT, Math.max(size, ALWAYS_READ));
	const descriptor = read.subarray(0, size);
	const length = descriptor.indexOf(0);
	if (descriptor.length < size || length === -1 || !isZero(descriptor.subarray(length)))
		return [danger('descriptor', 'its descriptor does not end as it must')];
	const fault = descriptorFault(latin1(descriptor.subarray(0, length)), { ...header, allowedTypes });
	return fault === undefined ? [] : [danger('descriptor', fault)];
}

/** A footer takes the header's place for those who read backwards, so it may say nothing else but where the directory is. */
function* footerDangers(head: Uint8Array): Wanting<readonly Danger[]> {
	const { bytes, size } = yield* ending();
	const [start, footer, end] = [0, 1, 2].map((index) => bytes.subarray(index * SECTOR, (index + 1) * SECTOR));
	if (start === undefined || footer === undefined || end === undefined) return [];
	const isWhole = bytes.length === TAIL_BYTES && size % SECTOR === 0 && size >= DESCRIPTOR_AT + TAIL_BYTES;
	if (!isWhole) return [danger('footer', 'its footer is missing')];
	return unmet([
		[isMarker(start, FOOTER_MARKER), danger('footer', 'the marker of its footer is missing')],
		[isSame(essence(footer), essence(head)), danger('footer', 'its footer is not the same as its header')],
		[headerOf(footer).directoryAt !== GD_AT_END, danger('footer', 'its footer points to another footer')],
		[isMarker(end, END_MARKER) && isZero(end), danger('footer', 'the marker of its end is missing')],
	]);
}

function isMarker(sector: Uint8Array, type: number): boolean {
	const fields = view(sector);
	return fields.getUint32(8, true) === 0 && fields.getUint32(12, true) === type && isZero(sector.subarray(16));
}

/** A header without what a footer may say anew: where its grain directories are, and whether it was closed well. */
function essence(header: Uint8Array): Uint8Array {
	return header.slice().fill(0, 48, 64).fill(0, 72, 73);
}

/**
 * A file of text alone is a descriptor, and its disk is in other files. qemu takes any text for one that has the word
 * createType before its first NUL.
 */
function* probeText(head: Uint8Array): Probe {
	let piece = head;
	let rest = '';
	for (let at = 0; at < MAX_TEXT; ) {
		const nul = piece.indexOf(0);
		const text = rest + latin1(nul === -1 ? piece : piece.subarray(0, nul));
		if (CREATE_TYPE.test(text)) return matched('vmdk', null, [danger('descriptor', 'its disk lies in other files')]);
		at += piece.length;
		if (nul !== -1 || piece.length === 0) return undefined;
		rest = text.slice(-'createType'.length + 1);
		piece = yield* take(at, Math.min(TEXT_STEP, MAX_TEXT - at));
	}
	return undefined;
}
