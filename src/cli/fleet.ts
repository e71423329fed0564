/** `sundog fleet …`: who belongs to the fleet. */
import type { Command } from 'commander';
import { parseSite } from '#config/parse.ts';
import { adminClient } from './admin-client.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { addSettingFlags, configFrom, FINDING_A_NODE, namesListener } from './setting-flags.ts';
import type { Terminal } from './terminal.ts';

export function addFleetCommands(program: Command, terminal: Terminal): void {
	const fleet = program.command('fleet').description('who belongs to the fleet');
	const command = fleet
		.command('invite')
		.description('make a one-time token that lets one new node join as a site; prints it alone')
		.requiredOption('--site <name>', 'the site that the new node will belong to');
	addSettingFlags(command, FINDING_A_NODE).action((options: Record<string, string>) => invite(terminal, options));
}

async function invite(terminal: Terminal, { site = '', ...options }: Record<string, string>): Promise<void> {
	assertSite(site);
	const config = configFrom(terminal, options, 'quiet');
	const client = adminClient(config, { named: namesListener(terminal, options) });
	const made = (await client.post('/admin/v1/fleet/invitations', { site })) as { readonly token?: unknown };
	if (typeof made.token !== 'string') throw new CliError(EXIT.failure, 'the node answered without a token');
	terminal.out(`${made.token}\n`);
}

function assertSite(site: string): void {
	try {
		parseSite(site);
	} catch (error) {
		throw new CliError(EXIT.usage, `--site: ${(error as Error).message}`, { cause: error });
	}
}
