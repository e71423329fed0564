/** `sundog node …`: the running node itself. */
import type { Command } from 'commander';
import { type AdminClient, adminClient } from './admin-client.ts';
import { addSettingFlags, configFrom, FINDING_A_NODE, namesListener } from './setting-flags.ts';
import type { Terminal } from './terminal.ts';

export function addNodeCommands(program: Command, terminal: Terminal): void {
	const node = program.command('node').description('the running node');
	const show = node.command('show').description('what the node says about itself, its peers and its fleet, as JSON');
	addSettingFlags(show, FINDING_A_NODE).action(async (options: Record<string, string>) => {
		terminal.out(`${JSON.stringify(await clientFor(terminal, options).get('/admin/v1/node'), null, 2)}\n`);
	});
	const health = node
		.command('health')
		.description('succeed when the node answers requests (for containers and service managers)');
	addSettingFlags(health, FINDING_A_NODE).action(async (options: Record<string, string>) => {
		await clientFor(terminal, options).ping();
		terminal.out('OK\n');
	});
}

function clientFor(terminal: Terminal, options: Readonly<Record<string, string>>): AdminClient {
	return adminClient(configFrom(terminal, options, 'quiet'), { named: namesListener(terminal, options) });
}
