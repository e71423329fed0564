/**
 * Inspection: which formats an image's bytes are in, how large the disk inside is, and whether opening it would do harm.
 * One pass, all formats side by side, no seeking. It knows nothing of images' records, of what was declared and of who asks:
 * that is judged by domain/format-match.ts.
 */
import assert from 'node:assert/strict';
import type { FormatMatch, Inspector, InspectorOptions } from '#domain/ports/inspection.ts';
import { probeGpt } from './formats/gpt.ts';
import { probeIso } from './formats/iso.ts';
import { probeLuks } from './formats/luks.ts';
import { probeQcow2 } from './formats/qcow2.ts';
import { probeQed } from './formats/qed.ts';
import { probeVdi } from './formats/vdi.ts';
import { probeVhd } from './formats/vhd.ts';
import { probeVhdx } from './formats/vhdx.ts';
import { probeVmdk } from './formats/vmdk.ts';
import { TAIL_BYTES } from './probe.ts';
import { type ProbeRun, runProbe } from './probe-run.ts';
import { createTail } from './tail.ts';

/** Glance's default. */
const VMDK_TYPES = ['streamOptimized', 'monolithicSparse'];

export interface MeasuredInspector extends Inspector {
	/** bytes of the image that it keeps right now */
	held(): number;
}

export function createInspector({ vmdkTypes = VMDK_TYPES }: InspectorOptions = {}): MeasuredInspector {
	const runs = [
		probeQcow2(),
		probeVmdk(vmdkTypes),
		probeVhd(),
		probeVhdx(),
		probeVdi(),
		probeIso(),
		probeGpt(),
		probeLuks(),
		probeQed(),
	].map(runProbe);
	const tail = createTail(TAIL_BYTES);
	let size = 0;
	let wantsFrom = 0;
	let finished = false;

	const soFar = () => ({ size, matches: matchesOf(runs) });
	return {
		feed(chunk) {
			assert(!finished, 'an inspector that has finished takes no more');
			tail.push(chunk);
			if (wantsFrom < size + chunk.length) {
				for (const run of runs) run.feed(chunk, size);
				wantsFrom = Math.min(...runs.map((run) => run.wantsFrom()));
			}
			size += chunk.length;
		},
		soFar,
		finish() {
			if (!finished) for (const run of runs) run.finish({ bytes: tail.bytes(), size });
			finished = true;
			return soFar();
		},
		held: () => runs.reduce((sum, run) => sum + run.held(), TAIL_BYTES),
	};
}

function matchesOf(runs: readonly ProbeRun[]): readonly FormatMatch[] {
	return runs.map((run) => run.match()).filter((match) => match !== undefined);
}
