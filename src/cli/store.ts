/** `sundog store …`: the stores of the running node. */
import { type Command, Option } from 'commander';
import { adminClient, type Line } from './admin-client.ts';
import { addSettingFlags, configFrom, FINDING_A_NODE, namesListener } from './setting-flags.ts';
import type { Terminal } from './terminal.ts';

const VISIBILITIES = ['public', 'private', 'shared', 'community'];

interface AdoptOptions {
	readonly owner?: string;
	readonly visibility: string;
	readonly dryRun?: boolean;
}

export function addStoreCommands(program: Command, terminal: Terminal): void {
	const store = program.command('store').description('the stores of the running node');
	const command = store
		.command('adopt <store>')
		.description('make images of what lies in a store without a record, where it is; may be interrupted and run again')
		.option('--owner <project>', 'id of the project that owns images without a record')
		.addOption(new Option('--visibility <visibility>', 'of images without a record').choices(VISIBILITIES).default('shared'))
		.option('--dry-run', 'read and change nothing, and say what would be adopted');
	addSettingFlags(command, FINDING_A_NODE).action((id: string, options: AdoptOptions & Record<string, string>) =>
		adopt(terminal, id, options),
	);
}

/** Every object that is not known already is a line; the counts come last. */
async function adopt(terminal: Terminal, store: string, options: AdoptOptions & Record<string, string>): Promise<void> {
	const { owner, visibility, dryRun = false, ...settings } = options;
	const client = adminClient(configFrom(terminal, settings, 'quiet'), { named: namesListener(terminal, settings) });
	const wish = { visibility, dry_run: dryRun, ...(owner !== undefined && { owner }) };
	const tally = createTally();
	try {
		for await (const step of client.lines('POST', `/admin/v1/stores/${encodeURIComponent(store)}/adoption`, wish)) {
			if (step.step === 'reading') terminal.say(`${step.id}: ${shareOf(step)} % read`);
			else tally.count(step);
			const line = lineOf(step, dryRun);
			if (line !== undefined) terminal.out(`${line}\n`);
		}
	} finally {
		terminal.out(tally.table(dryRun));
	}
}

function lineOf({ step, id, size, format, why }: Line, dryRun: boolean): string | undefined {
	if (step === 'skipped') return `skipped ${id}: ${why}`;
	if (step !== 'adopted') return undefined;
	return dryRun ? `would adopt ${id}: ${size} bytes` : `adopted ${id}: ${format}, ${size} bytes`;
}

function shareOf({ bytes, size }: Line): number {
	return Math.floor((Number(bytes) / Number(size)) * 100);
}

function createTally() {
	const counts = new Map<string, number>([
		['adopted', 0],
		['known', 0],
	]);
	return {
		count({ step, reason }: Line): void {
			const name = step === 'skipped' ? `skipped: ${reason}` : String(step);
			counts.set(name, (counts.get(name) ?? 0) + 1);
		},
		table(dryRun: boolean): string {
			const rows = [...counts].map(
				([name, count]) => [dryRun ? name.replace(/^adopted$/, 'to adopt') : name, String(count)] as const,
			);
			const width = Math.max(...rows.map(([name]) => name.length));
			const digits = Math.max(...rows.map(([, count]) => count.length));
			return rows.map(([name, count]) => `${name.padEnd(width)}  ${count.padStart(digits)}\n`).join('');
		},
	};
}
