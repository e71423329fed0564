/** A catalogue that is killed while it writes loses nothing that it acknowledged, and shows nothing by halves. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { openCatalogue } from '#catalogue/catalogue.ts';
import { openLevel } from '#catalogue/level/key-value.ts';
import { memoryKeyValue } from '#catalogue/memory.ts';
import { silentLog } from '#lib/log.ts';
import { fixedLogWriter, logTrust, logWriter } from '../support/fleet-of-logs.ts';

const ROUNDS = 25;
const self = fixedLogWriter('centre', 7);
const program = join(import.meta.dirname, '../support/catalogue-writer.ts');

/** Ids acknowledged by a writer that was killed after about `enough` of them. */
async function writeAndDie(dir: string, first: number, enough: number): Promise<readonly string[]> {
	const child = spawn(process.execPath, [program, dir, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
	const gone = Promise.withResolvers<void>();
	child.once('exit', () => gone.resolve());
	const acknowledged: string[] = [];
	for await (const line of createInterface({ input: child.stdout })) {
		if (line.length === 36) acknowledged.push(line);
		if (acknowledged.length === enough) child.kill('SIGKILL');
	}
	await gone.promise;
	assert.equal(child.signalCode, 'SIGKILL');
	return acknowledged;
}

it(`nothing acknowledged is lost in ${ROUNDS} kills, and the log still verifies`, { timeout: 240_000 }, async () => {
	const dir = await mkdtemp(join(tmpdir(), 'sundog-crash-'));
	const acknowledged: string[] = [];
	try {
		for (let round = 0; round < ROUNDS; round++) {
			acknowledged.push(...(await writeAndDie(dir, round * 100_000, 1 + ((round * 37) % 60))));
			const kv = await openLevel(dir);
			try {
				const catalogue = await openCatalogue({ kv, signer: self.signer, trust: logTrust, log: silentLog });
				for (const id of acknowledged) assert.equal(catalogue.image(id)?.status, 'active', `round ${round}: ${id} is lost`);
				const listed = await Array.fromAsync(catalogue.imagesIn('active'));
				assert.deepEqual(await Array.fromAsync(catalogue.imagesIn('queued')), []);
				const copy = await openCatalogue({
					kv: memoryKeyValue(),
					signer: logWriter('x').signer,
					trust: logTrust,
					log: silentLog,
				});
				const entries = await catalogue.feed.missing(new Map(), Number.MAX_SAFE_INTEGER);
				assert.deepEqual(await copy.feed.receive(entries), { accepted: 1 + listed.length * 3, gaps: 0 });
				for (const image of listed) assert.deepEqual(copy.image(image.id), image);
			} finally {
				await kv.close();
			}
		}
		assert.ok(acknowledged.length >= ROUNDS);
	} finally {
		await rm(dir, { recursive: true, force: true });
	}
});
