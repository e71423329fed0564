/** `sundog node …`: the running node itself. */
import type { Command } from 'commander';
import { adminClient } from './admin-client.ts';
import { addSettingFlags, configFrom, FINDING_A_NODE, namesListener } from './setting-flags.ts';
import type { Terminal } from './terminal.ts';

export function addNodeCommands(program: Command, terminal: Terminal): void {
	const node = program.command('node').description('the running node');
	const command = node.command('show').description('what the node says about itself, its peers and its fleet, as JSON');
	addSettingFlags(command, FINDING_A_NODE).action(async (options: Record<string, string>) => {
		const client = adminClient(configFrom(terminal, options, 'quiet'), { named: namesListener(terminal, options) });
		terminal.out(`${JSON.stringify(await client.get('/admin/v1/node'), null, 2)}\n`);
	});
}
