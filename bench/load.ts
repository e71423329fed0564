import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

export interface OpenLoopOptions {
	readonly perSecond: number;
	readonly seconds: number;
	/** the address of the n-th request */
	url(n: number): string;
}

/**
 * Sends requests at their appointed times whether or not earlier ones have been answered, and measures each from its
 * appointed time: a server that stalls is charged for everyone it kept waiting. Milliseconds, one a request.
 */
export async function openLoop({ perSecond, seconds, url }: OpenLoopOptions): Promise<readonly number[]> {
	const agent = new Agent({ keepAlive: true });
	const startedAt = performance.now();
	const waits: Promise<number>[] = [];
	for (let n = 0; n < perSecond * seconds; n++) {
		const due = startedAt + (n / perSecond) * 1000;
		// A timer may fire a millisecond early or late; what is late counts.
		const early = due - performance.now();
		if (early > 1) await pause(early - 1);
		while (performance.now() < due) await new Promise(setImmediate);
		waits.push(get(agent, url(n)).then(() => performance.now() - due));
	}
	const all = await Promise.all(waits);
	agent.destroy();
	return all;
}

/** As many requests as `connections` workers get answered one after another. Requests per second. */
export async function closedLoop(url: string, connections: number, seconds: number): Promise<number> {
	const agent = new Agent({ keepAlive: true, maxSockets: connections });
	const startedAt = performance.now();
	const until = startedAt + seconds * 1000;
	let answered = 0;
	const worker = async () => {
		while (performance.now() < until) {
			await get(agent, url);
			answered++;
		}
	};
	await Promise.all(Array.from({ length: connections }, worker));
	agent.destroy();
	return answered / ((performance.now() - startedAt) / 1000);
}

function get(agent: Agent, url: string): Promise<void> {
	return new Promise((resolve, reject) => {
		const sent = request(url, { agent }, (response) => {
			response.resume();
			response.once('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`${url}: ${response.statusCode}`))));
			response.once('error', reject);
		});
		sent.once('error', reject);
		sent.end();
	});
}
