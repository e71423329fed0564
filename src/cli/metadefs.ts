/** `sundog metadefs …`: metadata definitions, from files into a node and back. */
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type AdminClient, adminClient } from './admin-client.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { exportNamespace, namespaceNames } from './metadefs/export.ts';
import { type LoadMode, loadNamespace } from './metadefs/load.ts';
import { readNamespaceFile } from './metadefs/namespace-file.ts';
import { addSettingFlags, configFrom, FINDING_A_NODE, namesListener } from './setting-flags.ts';
import type { Terminal } from './terminal.ts';

/** Where Glance's packages put them. */
const SHIPPED = '/etc/glance/metadefs';

const MODES = ['merge', 'prefer-new', 'overwrite'] as const satisfies readonly LoadMode[];

export function addMetadefCommands(program: Command, terminal: Terminal): void {
	const metadefs = program.command('metadefs').description('metadata definitions, from files and to files');
	const load = metadefs
		.command('load [paths...]')
		.description(`load files, or folders of *.json files, into the running node (${SHIPPED} when none is named)`)
		.addOption(modeFlag('merge', 'add to namespaces that are there what they lack'))
		.addOption(modeFlag('prefer-new', 'also change what they have to what the files say'))
		.addOption(modeFlag('overwrite', 'replace them'));
	addSettingFlags(load, FINDING_A_NODE).action((paths: readonly string[], options: Options) =>
		loadFiles(terminal, paths.length > 0 ? paths : [SHIPPED], options),
	);
	const write = metadefs
		.command('export <folder>')
		.description('write every namespace to a file of its own; files that are there are left alone');
	addSettingFlags(write, FINDING_A_NODE).action((folder: string, options: Options) => exportAll(terminal, folder, options));
}

type Options = Record<string, string>;

function modeFlag(mode: (typeof MODES)[number], description: string): Option {
	const others = MODES.filter((each) => each !== mode).map(optionName);
	return new Option(`--${mode}`, description).conflicts(others);
}

async function loadFiles(terminal: Terminal, paths: readonly string[], options: Options): Promise<void> {
	const mode = MODES.find((each) => optionName(each) in options) ?? 'keep';
	const client = clientFor(terminal, options);
	const files = (await Promise.all(paths.map(filesUnder))).flat();
	if (files.length === 0) throw new CliError(EXIT.usage, `there is no *.json file in ${paths.join(', ')}`);
	await each(terminal, files, 'load', async (path) => {
		const file = await readNamespaceFile(path);
		return `${await loadNamespace(client, file, mode)} ${file.fields.namespace}`;
	});
}

async function exportAll(terminal: Terminal, folder: string, options: Options): Promise<void> {
	const client = clientFor(terminal, options);
	await mkdir(folder, { recursive: true });
	await each(terminal, await namespaceNames(client), 'export', async (namespace) => {
		const path = await exportNamespace(client, namespace, folder);
		return path === undefined ? `${namespace} is gone` : `wrote ${path}`;
	});
}

/** A line of output for each; one that fails does not keep the others from being tried. */
async function each(
	terminal: Terminal,
	all: readonly string[],
	verb: string,
	act: (one: string) => Promise<string>,
): Promise<void> {
	let failed = 0;
	for (const one of all) {
		try {
			terminal.out(`${await act(one)}\n`);
		} catch (error) {
			if (error instanceof CliError) throw error;
			failed += 1;
			terminal.out(`failed ${one}: ${(error as Error).message}\n`);
		}
	}
	if (failed > 0) throw new CliError(EXIT.failure, `could not ${verb} ${failed} of ${all.length}`);
}

async function filesUnder(path: string): Promise<readonly string[]> {
	try {
		if (!(await stat(path)).isDirectory()) return [path];
		const names = (await readdir(path)).filter((name) => name.endsWith('.json'));
		return names.sort().map((name) => join(path, name));
	} catch (error) {
		throw new CliError(EXIT.usage, `${path} cannot be read: ${(error as Error).message}`, { cause: error });
	}
}

function clientFor(terminal: Terminal, options: Options): AdminClient {
	return adminClient(configFrom(terminal, options, 'quiet'), { named: namesListener(terminal, options) });
}

/** As commander names it. */
function optionName(mode: (typeof MODES)[number]): string {
	return mode === 'prefer-new' ? 'preferNew' : mode;
}
