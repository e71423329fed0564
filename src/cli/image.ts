/** `sundog image …`: image files before they are uploaded, and images after they were deleted. */
import type { Command } from 'commander';
import { type FileReport, inspectFile } from '#inspection/inspect-file.ts';
import { adminClient } from './admin-client.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { addSettingFlags, configFrom, FINDING_A_NODE, namesListener } from './setting-flags.ts';
import type { Terminal } from './terminal.ts';

export function addImageCommands(program: Command, terminal: Terminal): void {
	const image = program.command('image').description('image files, and images that were deleted');
	image
		.command('inspect <file>')
		.description('say what formats a file is in, how large its disk is, and why a node would refuse it')
		.option('--disk-format <format>', 'what it would be uploaded as')
		.action((file: string, options: { readonly diskFormat?: string }) => inspect(terminal, file, options.diskFormat));
	const deleted = image
		.command('deleted')
		.description('list the images that were deleted and wait to be scrubbed: id, time, owner, bytes, name');
	addSettingFlags(deleted, FINDING_A_NODE).action((options: Record<string, string>) => listDeleted(terminal, options));
	const restore = image.command('restore <id>').description('have back an image that was deleted and waits to be scrubbed');
	addSettingFlags(restore, FINDING_A_NODE).action((id: string, options: Record<string, string>) =>
		restoreDeleted(terminal, id, options),
	);
}

function clientFor(terminal: Terminal, options: Readonly<Record<string, string>>) {
	return adminClient(configFrom(terminal, options, 'quiet'), { named: namesListener(terminal, options) });
}

async function listDeleted(terminal: Terminal, options: Record<string, string>): Promise<void> {
	for await (const image of clientFor(terminal, options).lines('GET', '/admin/v1/images/deleted')) {
		const { id, deleted_at: time, owner, size, name } = image;
		terminal.out(`${[id, time, owner ?? '-', size ?? '-', name ?? ''].join(' ').trimEnd()}\n`);
	}
}

async function restoreDeleted(terminal: Terminal, id: string, options: Record<string, string>): Promise<void> {
	const path = `/admin/v1/images/${encodeURIComponent(id)}/restore`;
	const { status, problem } = await clientFor(terminal, options).ask('POST', path);
	if (status !== 200) throw new CliError(EXIT.failure, `image ${id} is not restored: ${problem}`);
	terminal.out(`${id} active\n`);
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
