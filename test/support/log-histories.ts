/** Histories of several logs, and every order in which their entries may come: what property tests of folds are about. */
import assert from 'node:assert/strict';
import { type LocalCatalogue, openCatalogue } from '#catalogue/catalogue.ts';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { sealEntry } from '#catalogue/registry/entry.ts';
import type { Op } from '#domain/ops.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { silentLog } from '#lib/log.ts';
import { type LogWriter, logTrust } from './fleet-of-logs.ts';

/** An op, its writer, and how far the clock that all share moves before it. */
export interface Step {
	readonly op: Op;
	/** place among the writers */
	readonly by: number;
	/** milliseconds */
	readonly later: number;
}

/** Every op, effective or not, as an entry of its writer's log: what a hostile or lagging node may send. */
export function logsOf(writers: readonly LogWriter[], steps: readonly Step[]): readonly Uint8Array[][] {
	const logs = writers.map((): Uint8Array[] => []);
	const heads = writers.map(() => ({ seq: 0, hash: null as Uint8Array | null, counter: 0, ms: 0 }));
	let ms = 1;
	const append = (by: number, one: Op) => {
		const writer = writers[by] ?? assert.fail();
		const head = heads[by] ?? assert.fail();
		head.counter = head.ms === ms ? head.counter + 1 : 0;
		head.ms = ms;
		head.seq++;
		const sealed = sealEntry(
			{ log: writer.log, seq: head.seq, prev: head.hash, hlc: [ms, head.counter], op: one },
			writer.signer.sign,
		);
		head.hash = sealed.hash;
		logs[by]?.push(sealed.envelope);
	};
	for (const [by, writer] of writers.entries()) append(by, writer.announce);
	for (const step of steps) {
		ms += step.later;
		append(step.by, step.op);
	}
	return logs;
}

/** The catalogue of a node that has written nothing. */
export function catalogueOf(reader: LogWriter, kv: KeyValue = memoryKeyValue()): Promise<LocalCatalogue> {
	return openCatalogue({ kv, signer: reader.signer, trust: logTrust, log: silentLog });
}

/** One interleaving of the logs: `choices` says whose turn it is. */
export function interleaved(logs: readonly (readonly Uint8Array[])[], choices: readonly number[]): readonly Uint8Array[] {
	const left = logs.map((entries) => [...entries]);
	const order: Uint8Array[] = [];
	for (let turn = 0; left.some((entries) => entries.length > 0); turn++) {
		const open = left.filter((entries) => entries.length > 0);
		const entry = open[(choices[turn % Math.max(choices.length, 1)] ?? 0) % open.length]?.shift();
		if (entry) order.push(entry);
	}
	return order;
}
