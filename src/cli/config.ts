/** `sundog config …`: the settings as a node would take them. */
import type { Command } from 'commander';
import { describeConfig } from '#config/describe.ts';
import type { Inspection } from '#config/load.ts';
import { addSettingFlags, inspectionFrom } from './setting-flags.ts';
import type { Terminal } from './terminal.ts';

export function addConfigCommands(program: Command, terminal: Terminal): void {
	const config = program.command('config').description('settings');
	const command = config
		.command('check')
		.description(
			"read every source of settings and print the result as JSON, secrets hidden, with what becomes of Glance's options",
		);
	addSettingFlags(command).action(async (options: Record<string, string>) => {
		const { config, glanceOptions } = inspectionFrom(terminal, options, 'loud');
		const shown = { ...describeConfig(config), ...(glanceOptions !== undefined && { glanceOptions }) };
		await terminal.checkStores(config);
		terminal.out(`${JSON.stringify(shown, null, 2)}\n`);
		if (glanceOptions !== undefined) terminal.say(tableOf(glanceOptions));
	});
}

/** For people, on standard error: the result on standard output says the same to programs. */
function tableOf(options: NonNullable<Inspection['glanceOptions']>): string {
	const rows = options.map(({ file, line, group, option, fate, became }) => [
		fate,
		`[${group}] ${option}`,
		`${file}:${line}`,
		became,
	]);
	const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
	return rows
		.map((row) =>
			row
				.map((cell, column) => cell.padEnd(widths[column] ?? 0))
				.join('  ')
				.trimEnd(),
		)
		.join('\n');
}
