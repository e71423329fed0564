/**
 * The reference cloud by hand, for many runs of the tests that compare with it:
 *
 *   export SUNDOG_REFERENCE_DIR=/tmp/reference
 *   scripts/reference.ts start    Keystone and Debian's Glance, as tests start them; says where they are
 *   scripts/reference.ts stop     ends them and removes the folder
 */
import { openReference } from '../test/support/reference.ts';
import { stopReference } from './test/reference.ts';

const dir = process.env.SUNDOG_REFERENCE_DIR;
if (dir === undefined || dir === '') throw new TypeError('SUNDOG_REFERENCE_DIR names the folder of the reference cloud');
const [command] = process.argv.slice(2);
if (command === 'start') await start();
else if (command === 'stop') await stopReference(dir);
else throw new TypeError('usage: scripts/reference.ts start|stop');

async function start(): Promise<void> {
	const reference = await openReference();
	if (reference.missing === false) console.log(`keystone ${reference.cloud.keystone}, glance ${reference.cloud.glance}`);
	else console.log(`skipped: ${reference.missing}`);
}
