/** `sundog image …`: image files, before they are uploaded. */
import type { Command } from 'commander';
import { type FileReport, inspectFile } from '#inspection/inspect-file.ts';
import { CliError, EXIT } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

export function addImageCommands(program: Command, terminal: Terminal): void {
	const image = program.command('image').description('image files');
	image
		.command('inspect <file>')
		.description('say what formats a file is in, how large its disk is, and why a node would refuse it')
		.option('--disk-format <format>', 'what it would be uploaded as')
		.action((file: string, options: { readonly diskFormat?: string }) => inspect(terminal, file, options.diskFormat));
}

async function inspect(terminal: Terminal, file: string, diskFormat: string | undefined): Promise<void> {
	const report = await inspectFile(file, diskFormat).catch((error: unknown) => {
		throw new CliError(EXIT.failure, `cannot read ${file}: ${(error as Error).message}`, { cause: error });
	});
	for (const line of linesOf(report)) terminal.out(`${line}\n`);
	if (report.warning !== undefined) terminal.say(`sundog: warning: ${report.warning}`);
	if (report.refusal !== undefined) throw new CliError(EXIT.failure, report.refusal);
}

function linesOf({ matches, size }: FileReport): readonly string[] {
	if (matches.length === 0) return [`raw: a disk of ${size} bytes`];
	return matches.flatMap(({ format, virtualSize, dangers }) => [
		`${format}: ${virtualSize === null ? 'a disk of unknown size' : `a disk of ${virtualSize} bytes`}`,
		...dangers.map(({ check, why }) => `${format}: ${check}: ${why}`),
	]);
}
