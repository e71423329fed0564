/** `sundog config …`: the settings as a node would take them. */
import type { Command } from 'commander';
import { describeConfig } from '#config/describe.ts';
import { addSettingFlags, configFrom } from './setting-flags.ts';
import type { Terminal } from './terminal.ts';

export function addConfigCommands(program: Command, terminal: Terminal): void {
	const config = program.command('config').description('settings');
	const command = config
		.command('check')
		.description('read every source of settings and print the result as JSON, secrets hidden');
	addSettingFlags(command).action((options: Record<string, string>) => {
		terminal.out(`${JSON.stringify(describeConfig(configFrom(terminal, options, 'loud')), null, 2)}\n`);
	});
}
