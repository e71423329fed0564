import { hasAt, view } from '../bytes.ts';
import { damage, danger, matched } from '../match.ts';
import { ending, type Probe, take } from '../probe.ts';

const HEADER_BYTES = 592;

/** LUKS 1: a header with key slots, then the encrypted disk. What is inside nobody can see. */
export function* probeLuks(): Probe {
	const head = yield* take(0, HEADER_BYTES);
	if (!hasAt(head, 0, 'LUKS\xba\xbe')) return undefined;
	if (head.length < HEADER_BYTES) return matched('luks', null, [damage('it ends inside its header')]);
	const version = view(head).getUint16(6);
	if (version !== 1) return matched('luks', null, [danger('version', `only LUKS version 1 is accepted, not ${version}`)]);
	const payload = view(head).getUint32(104) * 512;
	const { size } = yield* ending();
	if (payload < HEADER_BYTES || payload > size) return matched('luks', null, [damage('its payload lies outside of it')]);
	return matched('luks', size - payload);
}
