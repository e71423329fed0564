/** `sundog serve`: a node from start to drained stop. Standard output gets one line, when the node is ready. */
import type { Command } from 'commander';
import type { Config } from '#config/config.ts';
import { banner } from './banner.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { createLog } from './log.ts';
import { addSettingFlags, configFrom } from './setting-flags.ts';
import { startFailure } from './start-failure.ts';
import type { RunningNode } from './start-node.ts';
import type { Terminal } from './terminal.ts';

/** On Ctrl-C a terminal signals the whole process group and npm passes its own signal on: both are one wish. */
const SAME_WISH_MS = 500;
/** On top of the grace time: what closing files and a database may take before the node is called stuck. */
const CLOSING_MS = 10_000;
const SIGNAL_EXIT = 128;
const SIGNAL_NUMBERS: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

export function addServeCommand(program: Command, terminal: Terminal): void {
	const command = program.command('serve').description('start a node (what `sundog` alone does)');
	addSettingFlags(command).action((options: Record<string, string>) => serve(terminal, configFrom(terminal, options, 'loud')));
}

async function serve(terminal: Terminal, config: Config): Promise<void> {
	const end = firstSignal(terminal);
	try {
		const node = await start(terminal, config, end.signal);
		if (node === undefined) return;
		terminal.out(`${readyLine(node)}\n`);
		terminal.say(banner(node, config, commandOf(terminal)));
		await aborted(end.signal);
		await stop(node, config);
	} finally {
		end.stopListening();
	}
}

/** Undefined when the wish to end came first. */
async function start(terminal: Terminal, config: Config, signal: AbortSignal): Promise<RunningNode | undefined> {
	try {
		return await terminal.startNode(config, { log: createLog(config.logLevel), signal });
	} catch (error) {
		if (signal.aborted) return undefined;
		throw startFailure(error, config);
	}
}

async function stop(node: RunningNode, { shutdownGraceMs }: Config): Promise<void> {
	const { promise, reject } = Promise.withResolvers<never>();
	const limit = shutdownGraceMs + CLOSING_MS;
	const timer = setTimeout(() => reject(new CliError(EXIT.failure, `the node did not stop within ${limit / 1000} s`)), limit);
	try {
		await Promise.race([node.stop(), promise]);
	} finally {
		clearTimeout(timer);
	}
}

/** Aborts on the first signal; a later one ends the process at once. */
function firstSignal(terminal: Terminal): { readonly signal: AbortSignal; stopListening(): void } {
	const controller = new AbortController();
	let firstAt = 0;
	const stopListening = terminal.onSignal((signal) => {
		if (!controller.signal.aborted) {
			firstAt = terminal.now();
			controller.abort(new Error(signal));
		} else if (terminal.now() - firstAt > SAME_WISH_MS) terminal.exitNow(SIGNAL_EXIT + (SIGNAL_NUMBERS[signal] ?? 0));
	});
	return { signal: controller.signal, stopListening };
}

function aborted(signal: AbortSignal): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	if (signal.aborted) resolve();
	else signal.addEventListener('abort', () => resolve(), { once: true });
	return promise;
}

/** The contract with whatever started this process. */
function readyLine({ http, peer, site, node, dataDir }: RunningNode): string {
	return JSON.stringify({ ready: true, http, peer, site, node, dataDir });
}

function commandOf({ env }: Terminal): string {
	return env.npm_lifecycle_event === undefined ? 'sundog' : 'npm run --silent sundog --';
}
