import { latin1, view } from '../bytes.ts';
import { matched } from '../match.ts';
import { type Probe, take } from '../probe.ts';

/** ECMA-119 §8: volume descriptors begin at sector 16 of 2048 bytes; UDF keeps the place and has names of its own. */
const DESCRIPTOR_AT = 16 * 2048;
const DESCRIPTOR_BYTES = 2048;
const IDENTIFIERS = ['CD001', 'NSR02', 'NSR03'];
const PRIMARY = 1;

/** The size is that of the volume, blocks times their length. */
export function* probeIso(): Probe {
	const descriptor = yield* take(DESCRIPTOR_AT, DESCRIPTOR_BYTES);
	if (descriptor.length < DESCRIPTOR_BYTES || !IDENTIFIERS.includes(latin1(descriptor.subarray(1, 6)))) return undefined;
	const fields = view(descriptor);
	const isPrimary = fields.getUint8(0) === PRIMARY;
	return matched('iso', isPrimary ? fields.getUint32(80, true) * fields.getUint16(128, true) : null);
}
