import { isZero, toCount, view } from '../bytes.ts';
import { damage, danger, matched, unmet } from '../match.ts';
import { type Probe, take } from '../probe.ts';

const HEADER_BYTES = 512;
const SIGNATURE = 0xbeda107f;
const VERSION = 0x0001_0001;
const DYNAMIC = 1;
const STATIC = 2;
const SECTOR = 512;

/** VirtualBox's own format. The other types are differences to a parent, which is found by its id wherever it lies. */
export function* probeVdi(): Probe {
	const head = yield* take(0, HEADER_BYTES);
	if (head.length < 0x44 || view(head).getUint32(0x40, true) !== SIGNATURE) return undefined;
	if (head.length < HEADER_BYTES) return matched('vdi', null, [damage('it ends inside its header')]);
	const fields = view(head);
	const size = toCount(fields.getBigUint64(0x170, true));
	const dangers = unmet([
		[fields.getUint32(0x44, true) === VERSION, damage('only VDI version 1.1 is accepted')],
		[[DYNAMIC, STATIC].includes(fields.getUint32(0x4c, true)), danger('backing_file', 'it is a difference to a parent image')],
		[isZero(head.subarray(0x1a8, 0x1c8)), danger('backing_file', 'it names a parent image')],
		[size !== null, damage('its disk is larger than 8 PiB')],
	]);
	return matched('vdi', size === null ? null : Math.ceil(size / SECTOR) * SECTOR, dangers);
}
