/**
 * A process that puts two objects into a store until it is killed: `store-worker.ts <kind> <folder> <options as JSON> <first key>
 * <second key> <hold>`. It prints `kept <location>` for each that is there, and waits for a line before it begins the second one:
 * that prints `placed <location>` when its place is known, and `held` when so many bytes of it are taken, which ends its progress. `reading` as the last word: it reads the first one
 * instead, and is held at the first of its bytes.
 */
import { once } from 'node:events';
import { silentLog } from '#lib/log.ts';
import { cinder } from '#store/drivers/cinder.ts';
import { rbd } from '#store/drivers/rbd.ts';
import { WORKER_BYTES, workerBytes } from './store-worker-bytes.ts';

const [kind, workDir = '', options = '', first = '', second = '', hold = ''] = process.argv.slice(2);
const { signal } = new AbortController();
const around = { store: 'worked', log: silentLog, signal, workDir };
const driver = await (kind === 'rbd' ? rbd : cinder).open(JSON.parse(options), around);

const whole = await put(first);
await once(process.stdin, 'data');
if (hold === 'reading') for await (const _ of driver.get(whole, 'whole', { signal })) await held();
await put(second, Number(hold));
await held();

async function put(key: string, holdAt = Number.POSITIVE_INFINITY): Promise<string> {
	const bytes = workerBytes(key);
	const source = {
		size: WORKER_BYTES,
		async *read() {
			for (let at = 0; ; at += 1024 * 1024) {
				if (at >= holdAt) await held();
				if (at >= bytes.length) return;
				yield bytes.subarray(at, at + 1024 * 1024);
			}
		},
	};
	const { location } = await driver.put(key, source, { signal, onPlace: async (place) => say(`placed ${place}`) });
	say(`kept ${location}`);
	return location;
}

async function held(): Promise<never> {
	say('held');
	return new Promise(() => undefined);
}

function say(line: string): void {
	process.stdout.write(`${line}\n`);
}
