import type { Danger } from '#domain/ports/inspection.ts';
import { hasAt, view } from '../bytes.ts';
import { danger, matched } from '../match.ts';
import { ending, type Probe, take } from '../probe.ts';

const SECTOR = 512;
/** where the header of a GPT may be: the second logical sector, of 512 or 4096 bytes */
const LARGE_SECTOR = 4096;
const SIGNATURE_AT = 510;
const TABLE_AT = 446;
const ENTRY_BYTES = 16;
const ENTRIES = 4;
const PROTECTIVE = 0xee;
const FIXED_DISK = 0xf8;

interface Partition {
	readonly bootFlag: number;
	readonly type: number;
	/** head, sector, cylinder of its first sector */
	readonly startChs: number;
	/** sector */
	readonly start: number;
}

/**
 * A disk with a partition table, MBR or GPT, as oslo.utils counts both: `gpt`. Checked is only what the UEFI specification
 * (2.10, §5.2) says of the MBR, for firmware and hypervisors that read it before anybody else does.
 */
export function* probeGpt(): Probe {
	const sector = yield* take(0, SECTOR);
	if (sector.length < SECTOR || view(sector).getUint16(SIGNATURE_AT, true) !== 0xaa55 || isVolume(sector)) return undefined;
	const partitions = Array.from({ length: ENTRIES }, (_, index) => partitionOf(sector, index));
	const dangers = [...mbrDangers(partitions)];
	if (partitions.some(({ type }) => type === PROTECTIVE)) {
		const inSecond = [yield* take(SECTOR, 8), yield* take(LARGE_SECTOR, 8)];
		if (!inSecond.some((start) => hasAt(start, 0, 'EFI PART')))
			dangers.push(danger('gptmbr', 'its MBR announces a GPT, and there is none'));
	}
	const { size } = yield* ending();
	return matched('gpt', size, dangers);
}

/** File systems without partitions end their first sector alike. */
function isVolume(sector: Uint8Array): boolean {
	const isFat = sector[0x10] === 2 && sector[0x15] === FIXED_DISK;
	return isFat || hasAt(sector, 3, 'NTFS    ') || hasAt(sector, 3, 'EXFAT   ');
}

function partitionOf(sector: Uint8Array, index: number): Partition {
	const fields = view(sector.subarray(TABLE_AT + index * ENTRY_BYTES, TABLE_AT + (index + 1) * ENTRY_BYTES));
	return {
		bootFlag: fields.getUint8(0),
		startChs: fields.getUint32(0) & 0xff_ffff,
		type: fields.getUint8(4),
		start: fields.getUint32(8, true),
	};
}

function* mbrDangers(partitions: readonly Partition[]): Generator<Danger> {
	const used = partitions.filter(({ type }) => type !== 0);
	const protective = partitions.filter(({ type }) => type === PROTECTIVE);
	if (partitions.some(({ bootFlag }) => bootFlag !== 0 && bootFlag !== 0x80))
		yield danger('mbr', 'its MBR has an invalid boot flag');
	if (used.length === 0) yield danger('mbr', 'its MBR has no partitions');
	if (protective.some(({ startChs }) => startChs !== 0x000200))
		yield danger('mbr', 'its protective MBR has an invalid start CHS');
	if (protective.some(({ start }) => start !== 1)) yield danger('mbr', 'its protective MBR has an invalid start LBA');
	if (protective.length > 0 && (used.length > 1 || partitions[0]?.type !== PROTECTIVE))
		yield danger('mbr', 'its protective MBR has other partitions beside the GPT');
}
