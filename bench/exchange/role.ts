/** One side of one run, in a process of its own. Talks to its parent by messages. */
import { fetchTls, serveTls } from './bare-tls.ts';
import { fetchBlocks, serveBlocks } from './blocks.ts';
import type { Measured, Task } from './common.ts';
import { fetchStockStream, serveStockStream } from './stock-stream.ts';

const SERVE: Record<string, (task: Task) => Promise<string>> = {
	blocks: (task) => serveBlocks(task, 'tuned'),
	'blocks-stock-noise': (task) => serveBlocks(task, 'stock'),
	'stock-stream': serveStockStream,
	'bare-tls': serveTls,
};
const FETCH: Record<string, (task: Task) => Promise<Measured>> = {
	blocks: (task) => fetchBlocks(task, 'tuned'),
	'blocks-stock-noise': (task) => fetchBlocks(task, 'stock'),
	'stock-stream': fetchStockStream,
	'bare-tls': fetchTls,
};

const [, , side, way = '', taskText = '{}'] = process.argv;
const task = JSON.parse(taskText) as Task;
if (side === 'serve') {
	const address = await SERVE[way]?.(task);
	const before = process.cpuUsage();
	process.on('message', () => {
		const { user, system } = process.cpuUsage(before);
		process.send?.({ cpuSeconds: (user + system) / 1e6 });
	});
	process.send?.({ address });
} else process.send?.(await FETCH[way]?.(task), () => process.exit(0));
