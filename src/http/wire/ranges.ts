/** Single byte ranges as Glance reads them. RFC 9110 §14; Image API v2, "Download binary image data". */
import type { ByteRange } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';

export type RequestedRange =
	| { readonly kind: 'whole' }
	| { readonly kind: 'part'; readonly range: ByteRange }
	| { readonly kind: 'unsatisfiable' };

/**
 * What a request asks for of `size` bytes. `contentRange` is the request header that old clients send instead.
 * Several ranges are `invalid`; what cannot be read or satisfied is unsatisfiable, as Glance answers both.
 */
export function requestedRange(
	headers: { readonly range?: string | undefined; readonly contentRange?: string | undefined },
	size: number,
): RequestedRange {
	if (headers.range !== undefined) return fromRange(headers.range, size);
	if (headers.contentRange !== undefined) return fromContentRange(headers.contentRange, size);
	return { kind: 'whole' };
}

function fromRange(header: string, size: number): RequestedRange {
	const ranges = /^bytes=(?<ranges>.*)$/.exec(header.trim())?.groups?.ranges;
	if (ranges?.includes(',')) throw new ImageError('invalid', 'requests with multiple ranges are not supported');
	const { first = '', last = '' } = /^(?<first>\d*)-(?<last>\d*)$/.exec(ranges?.trim() ?? '')?.groups ?? {};
	if (first === '' && last === '') return UNSATISFIABLE;
	if (first === '') return part(Math.max(0, size - Number(last)), size, size);
	const end = last === '' ? size : Math.min(size, Number(last) + 1);
	return part(Number(first), end, size);
}

function fromContentRange(header: string, size: number): RequestedRange {
	const { first, last, total } = /^bytes (?<first>\d+)-(?<last>\d+)\/(?<total>\d+|\*)$/.exec(header.trim())?.groups ?? {};
	if (first === undefined || last === undefined) return UNSATISFIABLE;
	if (total !== '*' && Number(total) !== size) return UNSATISFIABLE;
	if (Number(last) >= size) return UNSATISFIABLE;
	return part(Number(first), Number(last) + 1, size);
}

function part(start: number, end: number, size: number): RequestedRange {
	return start < end && start < size ? { kind: 'part', range: { start, end } } : UNSATISFIABLE;
}

const UNSATISFIABLE: RequestedRange = { kind: 'unsatisfiable' };
