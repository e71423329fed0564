/**
 * Peer to peer: from a file on one process to a verified, written file on another, over loopback. Three ways side by side,
 * alternating, fresh processes each run: blocks/1 over tuned Noise, a stock libp2p stream, and bare node:tls.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BLOCK_BYTES, type Measured, type Task } from './exchange/common.ts';

const ROLE = fileURLToPath(new URL('./exchange/role.ts', import.meta.url));
const WAYS = ['blocks', 'stock-stream', 'bare-tls'] as const;

export interface ExchangeBenchOptions {
	/** default 512 */
	readonly mebibytes?: number;
	/** default 3 */
	readonly rounds?: number;
	readonly ways?: readonly string[];
}

export interface Run extends Measured {
	readonly serveCpuSeconds: number;
}

/** One row a way, medians, and one with the ratios. */
export async function benchExchange(options: ExchangeBenchOptions = {}): Promise<object[]> {
	const { mebibytes = 512, rounds = 3, ways = WAYS } = options;
	const dir = await mkdtemp(join(tmpdir(), 'sundog-bench-exchange-'));
	try {
		const task = { file: join(dir, 'image'), to: join(dir, 'image.copy'), size: mebibytes * BLOCK_BYTES };
		await fill(task);
		const runs = new Map<string, Run[]>(ways.map((way) => [way, []]));
		for (let round = 0; round < rounds; round++) for (const way of ways) runs.get(way)?.push(await copyOnce(way, task));
		assertEqual([...runs.values()].flat());
		const rows = ways.map((way) => summarise(way, mebibytes, runs.get(way) ?? []));
		const ratios = {
			bench: 'exchange',
			way: 'ratios',
			blocksToBareTls: ratio(runs.get('blocks'), runs.get('bare-tls')),
			blocksToStockStream: ratio(runs.get('blocks'), runs.get('stock-stream')),
		};
		return [...rows, ratios];
	} finally {
		await rm(dir, { recursive: true, force: true });
	}
}

async function fill({ file, size }: Task): Promise<void> {
	const handle = await open(file, 'w');
	const block = Buffer.allocUnsafe(BLOCK_BYTES);
	for (let at = 0; at < size; at += BLOCK_BYTES) await handle.write(randomFillSync(block), 0, BLOCK_BYTES, at);
	await handle.close();
}

/** One copy by two fresh processes. What it wrote stays. */
export async function copyOnce(way: string, task: Task): Promise<Run> {
	const server = start('serve', way, task);
	try {
		const { address } = await answer<{ address: string }>(server);
		const measured = await answer<Measured>(start('fetch', way, { ...task, address }));
		server.send('report');
		const { cpuSeconds } = await answer<{ cpuSeconds: number }>(server);
		return { ...measured, serveCpuSeconds: cpuSeconds };
	} finally {
		server.kill();
	}
}

function start(side: string, way: string, task: Task): ChildProcess {
	return fork(ROLE, [side, way, JSON.stringify(task)], { execArgv: [] });
}

async function answer<T>(child: ChildProcess): Promise<T> {
	const gone = once(child, 'exit').then(() => Promise.reject(new Error('a side of the bench has exited')));
	gone.catch(() => {});
	const [message] = await Promise.race([once(child, 'message'), gone]);
	return message as T;
}

function assertEqual(runs: readonly Run[]): void {
	const digests = new Set(runs.map(({ digest }) => digest));
	if (digests.size !== 1) throw new Error('the copies differ');
}

function summarise(way: string, mebibytes: number, runs: readonly Run[]) {
	const perGiB = (cpu: number): number => round2((cpu * 1024) / mebibytes);
	return {
		bench: 'exchange',
		way,
		mib: mebibytes,
		mibPerSecond: Math.round(median(runs.map(({ seconds }) => mebibytes / seconds))),
		best: Math.round(Math.max(...runs.map(({ seconds }) => mebibytes / seconds))),
		serveCpuSecondsPerGiB: perGiB(median(runs.map(({ serveCpuSeconds }) => serveCpuSeconds))),
		fetchCpuSecondsPerGiB: perGiB(median(runs.map(({ cpuSeconds }) => cpuSeconds))),
	};
}

/** Of each round by itself, then the median: the rounds of one machine differ more than the ways do. */
function ratio(ours: readonly Run[] = [], theirs: readonly Run[] = []): number {
	return round2(median(ours.map(({ seconds }, round) => (theirs[round]?.seconds ?? Number.NaN) / seconds)));
}

function median(values: readonly number[]): number {
	return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function round2(value: number): number {
	return Math.round(value * 100) / 100;
}

if (import.meta.main) {
	const [, , mebibytes, rounds, ...ways] = process.argv;
	const options = {
		...(mebibytes !== undefined && { mebibytes: Number(mebibytes) }),
		...(rounds !== undefined && { rounds: Number(rounds) }),
		...(ways.length > 0 && { ways }),
	};
	for (const row of await benchExchange(options)) console.log(JSON.stringify(row));
}
