/**
 * The operators' door: `sundog <noun> <verb>`. A command prints its result on standard output and everything else on
 * standard error; when it fails that is exactly one line, `sundog: …`, and one of the codes of exit-codes.ts.
 */
import { Command, CommanderError } from 'commander';
import { ConfigError } from '#config/config.ts';
import { addConfigCommands } from './config.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { addFleetCommands } from './fleet.ts';
import { addImageCommands } from './image.ts';
import { addMetadefCommands } from './metadefs.ts';
import { addNodeCommands } from './node.ts';
import { addPolicyCommands } from './policy.ts';
import { addServeCommand } from './serve.ts';
import { addStoreCommands } from './store.ts';
import type { Terminal } from './terminal.ts';
import { version } from './version.ts';

/** Runs one command line (without the program's own name) and gives the code to exit with. Never throws. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
	try {
		await buildProgram(terminal).parseAsync(withDefaultCommand(args), { from: 'user' });
		return EXIT.ok;
	} catch (error) {
		if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
		terminal.say(`sundog: ${lineOf(error)}`);
		return codeOf(error);
	}
}

function buildProgram(terminal: Terminal): Command {
	const program = new Command('sundog')
		.description('A drop-in OpenStack Glance whose every site is a store')
		.version(version(), '-V, --version', 'print the version')
		.exitOverride()
		.configureOutput({ writeOut: (text) => terminal.out(text), writeErr: () => {} });
	addServeCommand(program, terminal);
	addFleetCommands(program, terminal);
	addNodeCommands(program, terminal);
	addMetadefCommands(program, terminal);
	addConfigCommands(program, terminal);
	addPolicyCommands(program, terminal);
	addImageCommands(program, terminal);
	addStoreCommands(program, terminal);
	program
		.command('version')
		.description('print the version')
		.action(() => terminal.out(`${version()}\n`));
	return program;
}

/** `sundog` alone, or with nothing but settings, serves. */
function withDefaultCommand(args: readonly string[]): string[] {
	const [first = '--'] = args;
	const asksTheProgram = ['-h', '--help', '-V', '--version'].includes(first);
	return first.startsWith('-') && !asksTheProgram ? ['serve', ...args] : [...args];
}

function codeOf(error: unknown): number {
	if (error instanceof CliError) return error.exitCode;
	return error instanceof ConfigError || error instanceof CommanderError ? EXIT.usage : EXIT.failure;
}

function lineOf(error: unknown): string {
	// Without a verb commander would print its help; one line is the promise.
	if (error instanceof CommanderError && error.code === 'commander.help') return 'a verb is missing; see --help';
	const text = error instanceof Error ? error.message : String(error);
	return text
		.replace(/^error: /, '')
		.replaceAll(/\s*\n\s*/g, ' ')
		.trim();
}
