/**
 * A sender and a receiver in two processes. The receiving one starts the other as its child, passes it everything it
 * must know as arguments, and adds up both bills.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Sender {
	/** first line it prints: where it listens */
	readonly address: string;
	/** Lets it end and gives the CPU seconds it says it used. */
	finish(): Promise<number>;
}

export async function startSender(script: string, args: readonly string[]): Promise<Sender> {
	const child: ChildProcess = spawn(process.execPath, [script, 'send', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
	if (child.stdout === null || child.stdin === null) throw new Error('the sender has no pipes');
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const { value: address } = await lines.next();
	return {
		address: String(address),
		async finish() {
			child.stdin?.end();
			const { value } = await lines.next();
			return Number(value);
		},
	};
}

/** What the sender prints at its end. */
export function cpuSecondsSince(before: NodeJS.CpuUsage): number {
	const { user, system } = process.cpuUsage(before);
	return (user + system) / 1e6;
}

/** Resolves when the other process closes the pipe. */
export function released(): Promise<void> {
	return new Promise((resolve) => process.stdin.once('end', resolve).resume());
}

export function printBill(seconds: number, cpuSeconds: number): void {
	process.stdout.write(`${JSON.stringify({ seconds, cpuSeconds })}\n`);
}
