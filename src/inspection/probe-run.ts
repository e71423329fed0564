import type { FormatMatch } from '#domain/ports/inspection.ts';
import type { Given, Probe, Want } from './probe.ts';

export interface ProbeRun {
	/** the first byte that it still waits for; Infinity: none but the end */
	wantsFrom(): number;
	/** The chunk's first byte is number `position` of the image. */
	feed(chunk: Uint8Array, position: number): void;
	/** No bytes follow. */
	finish(end: Given): void;
	/** undefined: still looking, or not this format */
	match(): FormatMatch | undefined;
	/** bytes that it keeps */
	held(): number;
}

const NOTHING = new Uint8Array(0);

/** Gives a probe what it wants out of chunks of any size. */
export function runProbe(probe: Probe): ProbeRun {
	let found: FormatMatch | undefined;
	let want: Want | undefined;
	let buffer = NOTHING;
	let filled = 0;
	/** where the last want ended: the probe has seen what is before it */
	let seen = 0;
	take(probe.next());

	function take({ done, value }: IteratorResult<Want, FormatMatch | undefined>): void {
		buffer = NOTHING;
		filled = 0;
		want = done ? undefined : value;
		if (done) found = value;
	}

	function answer(given: Given): void {
		if (want !== undefined && want !== 'end') seen = Math.max(seen, want.start + want.length);
		take(probe.next(given));
	}

	function wantsFrom(): number {
		return want === undefined || want === 'end' ? Number.POSITIVE_INFINITY : want.start + filled;
	}

	/** False when the chunk has nothing more for it. */
	function step(chunk: Uint8Array, position: number): boolean {
		if (want === undefined || want === 'end') return false;
		if (want.start < seen || want.length === 0) {
			answer({ bytes: NOTHING, size: position });
			return true;
		}
		const from = want.start + filled - position;
		if (from >= chunk.length) return false;
		if (filled === 0) buffer = new Uint8Array(want.length);
		const part = chunk.subarray(from, from + want.length - filled);
		buffer.set(part, filled);
		filled += part.length;
		if (filled < want.length) return false;
		answer({ bytes: buffer, size: position });
		return true;
	}

	return {
		wantsFrom,
		feed(chunk, position) {
			while (step(chunk, position));
		},
		finish(end) {
			while (want !== undefined) answer(want === 'end' ? end : { bytes: buffer.subarray(0, filled), size: end.size });
		},
		match: () => found,
		held: () => buffer.length,
	};
}
