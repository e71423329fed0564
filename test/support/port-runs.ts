import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below the ports that the kernel gives to outgoing connections: nobody is given one of these by chance. */
const LOWEST = 18_000;
const HIGHEST = 32_000;
const TRIES = 200;

/** For each length the first of so many loopback ports in a row on which nobody listened a moment ago; no two runs overlap. */
export async function claimPortRuns(lengths: readonly number[]): Promise<readonly number[]> {
	await using held = new AsyncDisposableStack();
	const firsts: number[] = [];
	for (const length of lengths) firsts.push(await claimRun(length, held));
	return firsts;
}

async function claimRun(length: number, held: AsyncDisposableStack): Promise<number> {
	for (let turn = 0; turn < TRIES; turn += 1) {
		const first = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST - length));
		await using mine = new AsyncDisposableStack();
		const free = await listenOnAll(first, length, mine);
		if (!free) continue;
		held.use(mine.move());
		return first;
	}
	throw new Error(`there are no ${length} free ports in a row`);
}

async function listenOnAll(first: number, length: number, mine: AsyncDisposableStack): Promise<boolean> {
	for (let port = first; port < first + length; port += 1) {
		const server = createServer();
		try {
			await once(server.listen(port, '127.0.0.1'), 'listening');
		} catch {
			return false;
		}
		mine.defer(() => closed(server));
	}
	return true;
}

async function closed(server: Server): Promise<void> {
	server.close();
	await once(server, 'close');
}
