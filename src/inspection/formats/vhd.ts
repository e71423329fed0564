import type { Danger } from '#domain/ports/inspection.ts';
import { hasAt, isSame, toCount, view } from '../bytes.ts';
import { damage, danger, matched, unmet } from '../match.ts';
import { ending, type Probe, take } from '../probe.ts';

/** Microsoft's "Virtual Hard Disk Image Format Specification" 1.0 names the fields. */
const FOOTER_BYTES = 512;
const COOKIE = 'conectix';
const CHECKSUM_AT = 64;
const FIXED = 2;
const DYNAMIC = 3;
const SECTOR = 512;
/** the largest geometry of an ATA disk: larger ones are told by their size alone */
const LARGEST_GEOMETRY = 65_535 * 16 * 255;
const SIZED_BY_BYTES = ['win ', 'qem2', 'd2v ', 'tap\0', 'CTXS'];
/** the dynamic header follows the copy of the footer, a little later in images of some tools */
const MAX_HEADER_AT = 64 * 1024;

/** A dynamic image begins with a copy of its footer; a fixed one has the footer at its end alone. */
export function* probeVhd(): Probe {
	const head = yield* take(0, FOOTER_BYTES);
	const isDynamic = hasAt(head, 0, COOKIE);
	if (isDynamic) {
		if (head.length < FOOTER_BYTES) return matched('vhd', null, [damage('it ends inside its header')]);
		const dangers = footerDangers(head, DYNAMIC);
		if (dangers.length > 0) return matched('vhd', virtualSizeOf(head), dangers);
		const at = toCount(view(head).getBigUint64(16)) ?? Number.POSITIVE_INFINITY;
		const header = at >= FOOTER_BYTES && at <= MAX_HEADER_AT ? yield* take(at, 8) : new Uint8Array(0);
		if (!hasAt(header, 0, 'cxsparse')) return matched('vhd', virtualSizeOf(head), [damage('its dynamic header is missing')]);
	}
	const { bytes, size } = yield* ending();
	const footer = bytes.subarray(Math.max(0, bytes.length - FOOTER_BYTES));
	if (isDynamic) {
		const differs = damage('its footer is not the same as the copy at its start');
		return matched('vhd', virtualSizeOf(head), unmet([[isSame(footer, head), differs]]));
	}
	if (footer.length < FOOTER_BYTES || !hasAt(footer, 0, COOKIE)) return undefined;
	return matched('vhd', virtualSizeOf(footer), [...footerDangers(footer, FIXED), ...fixedDangers(footer, size)]);
}

function footerDangers(footer: Uint8Array, type: number): readonly Danger[] {
	return unmet([
		[view(footer).getUint32(60) === type, danger('backing_file', 'it is a difference to a parent image, or of a type not known')],
		[view(footer).getUint32(CHECKSUM_AT) === checksumOf(footer), damage('the checksum of its footer is wrong')],
		[virtualSizeOf(footer) !== null, damage('its disk is larger than 8 PiB')],
	]);
}

function fixedDangers(footer: Uint8Array, size: number): readonly Danger[] {
	const isWhole = (virtualSizeOf(footer) ?? 0) <= size - FOOTER_BYTES;
	return unmet([[isWhole, damage('its disk is longer than it is itself')]]);
}

function checksumOf(footer: Uint8Array): number {
	const sum = footer.reduce((total, byte, at) => (at >= CHECKSUM_AT && at < CHECKSUM_AT + 4 ? total : total + byte), 0);
	return ~sum >>> 0;
}

/** As qemu has it: by cylinders, heads and sectors, unless a tool made it that is known to mean the number of bytes. */
function virtualSizeOf(footer: Uint8Array): number | null {
	const fields = view(footer);
	const geometry = fields.getUint16(56) * fields.getUint8(58) * fields.getUint8(59);
	const byBytes = geometry === LARGEST_GEOMETRY || SIZED_BY_BYTES.some((creator) => hasAt(footer, 28, creator));
	if (!byBytes) return geometry * SECTOR;
	const bytes = toCount(fields.getBigUint64(48));
	return bytes === null ? null : Math.floor(bytes / SECTOR) * SECTOR;
}
