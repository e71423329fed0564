/** Processes that outlive the test file that started them, known by a variable of their environment (Linux). */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Children end a little after their parent; only what is still there then is a stray. */
const SETTLE_MS = 1000;
const POLL_MS = 50;

/** Ends every process with `name=value` in its environment; gives their command lines. */
export async function endStrays(name: string, value: string): Promise<readonly string[]> {
	const marked = () => processesWith(`${name}=${value}\0`);
	const deadline = Date.now() + SETTLE_MS;
	while (marked().length > 0 && Date.now() < deadline) await delay(POLL_MS);
	const left = marked();
	for (const { pid } of left) kill(pid);
	return left.map(({ command }) => command);
}

function processesWith(entry: string): readonly { readonly pid: number; readonly command: string }[] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
		.filter((pid) => `\0${read(`/proc/${pid}/environ`)}`.includes(`\0${entry}`))
		.map((pid) => ({ pid: Number(pid), command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() }));
}

/** Empty for a process that has gone or belongs to somebody else. */
function read(path: string): string {
	try {
		return readFileSync(path, 'latin1');
	} catch {
		return '';
	}
}

function kill(pid: number): void {
	try {
		process.kill(pid, 'SIGKILL');
	} catch {
		// it has gone by itself
	}
}
