/**
 * `npm run bench [-- --quick] [--only NAME]… [--scale]`: every target of speed and memory, measured against named peers in the
 * same run. Exit code 1 when one is missed (`--quick` sizes are too small to judge by: 0 then).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Bench, createReport, environment, GIB, MIB, type Row } from './harness.ts';
import { catalogueRow } from './rows/catalogue.ts';
import { downloadRow } from './rows/download.ts';
import { glanceRow } from './rows/glance.ts';
import { memoryRow } from './rows/memory.ts';
import { readThroughRow } from './rows/read-through.ts';
import { scalingRow } from './rows/scaling.ts';
import { startUpRow } from './rows/start-up.ts';
import { storesRow } from './rows/stores.ts';
import { uploadRow } from './rows/upload.ts';

const ROWS: readonly Row[] = [
	uploadRow,
	downloadRow,
	readThroughRow,
	catalogueRow,
	glanceRow,
	scalingRow,
	memoryRow,
	startUpRow,
	storesRow,
];

const { values } = parseArgs({
	options: {
		quick: { type: 'boolean', default: false },
		only: { type: 'string', multiple: true, default: [] },
		runs: { type: 'string' },
		scale: { type: 'boolean', default: false },
		list: { type: 'boolean', default: false },
	},
});

if (values.list) {
	for (const { name, about } of ROWS) process.stdout.write(`${name.padEnd(14)}${about}\n`);
} else {
	process.exitCode = await bench(values.only, values.quick, values.runs === undefined ? undefined : Number(values.runs));
}

async function bench(only: readonly string[], quick: boolean, runs: number | undefined): Promise<number> {
	const unknown = only.filter((name) => !ROWS.some((row) => row.name === name));
	if (unknown.length > 0) {
		process.stderr.write(`no such row: ${unknown.join(', ')} (there are ${ROWS.map(({ name }) => name).join(', ')})\n`);
		return 2;
	}
	const report = createReport((line) => void process.stdout.write(`${line}\n`));
	// Durable writes are measured, so the directory must be on a disk: SUNDOG_BENCH_DIR where the temporary one is memory.
	const dir = await mkdtemp(join(process.env.SUNDOG_BENCH_DIR ?? tmpdir(), 'sundog-bench-'));
	const context: Bench = {
		dir,
		quick,
		scale: values.scale,
		runs: runs ?? (quick ? 1 : 3),
		sizes: quick ? { image: 128 * MIB, large: 256 * MIB, images: 5000 } : { image: GIB, large: 4 * GIB, images: 100_000 },
		report,
	};
	try {
		report.say(await environment(quick));
		for (const row of ROWS) {
			if (only.length > 0 && !only.includes(row.name)) continue;
			report.progress(`${row.name}: ${row.about}`);
			await row.run(context);
		}
	} finally {
		await rm(dir, { recursive: true, force: true });
	}
	return quick || report.met() ? 0 : 1;
}
