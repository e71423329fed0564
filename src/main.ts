/** The process: its arguments, streams and signals, given to the CLI. Loads a whole node only to serve. */
import { runCli } from '#cli/program.ts';
import type { Terminal } from '#cli/terminal.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const terminal: Terminal = {
	env: process.env,
	out: (text) => void process.stdout.write(text),
	say: (line) => void process.stderr.write(`${line}\n`),
	startNode: async (config, options) => (await import('#node.ts')).startNode(config, options),
	checkStores: async (config) => (await import('#open-stores.ts')).checkConfiguredStores(config),
	onSignal(listener) {
		for (const signal of SIGNALS) process.on(signal, listener);
		// The process is about to exit, and says so with its code: a signal that comes late must not be the end of it.
		return () => {
			for (const signal of SIGNALS) process.on(signal, () => {}).off(signal, listener);
		};
	},
	now: () => performance.now(),
	exitNow: (code) => process.exit(code),
};

/** A bug: the state is unknown, so nothing is drained. What was acknowledged is durable. */
function crash(error: unknown): void {
	const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
	terminal.say(`sundog: unexpected: ${text.replaceAll(/\s*\n\s*/g, ' | ')}`);
	process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
// Whoever read the output may go; that ends nothing.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

process.exit(await runCli(process.argv.slice(2), terminal));
