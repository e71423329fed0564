/**
 * A process that commits as fast as it can and says what was acknowledged: one image id a line on stdout.
 * Arguments: data directory, first image number. It runs until it is killed.
 */
import { writeSync } from 'node:fs';
import { openCatalogue } from '#catalogue/catalogue.ts';
import { openLevel } from '#catalogue/level/key-value.ts';
import { silentLog } from '#lib/log.ts';
import { activeImage, fixedLogWriter, imageId, logTrust } from './fleet-of-logs.ts';

const IN_FLIGHT = 4;
const [dir = '', first = '0'] = process.argv.slice(2);
const self = fixedLogWriter('centre', 7);
const catalogue = await openCatalogue({ kv: await openLevel(dir), signer: self.signer, trust: logTrust, log: silentLog });
if (catalogue.nodes().length === 0) await catalogue.commit([self.announce]);

let number = Number(first);
async function commitForEver(): Promise<never> {
	for (;;) {
		const n = number++;
		await catalogue.commit(activeImage(imageId(n), { name: `image ${n}`, tags: ['t'] }, n + 1));
		writeSync(1, `${imageId(n)}\n`);
	}
}
await Promise.all(Array.from({ length: IN_FLIGHT }, commitForEver));
