/** Command lines against a running API server, as an operator's shell would run them. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCli } from '#cli/program.ts';
import { temporaryDir } from './temporary-dir.ts';

export interface CliRun {
	readonly code: number;
	readonly out: string;
	readonly said: readonly string[];
}

export interface OperatorsShell extends AsyncDisposable {
	/** an empty folder of its own */
	readonly folder: string;
	run(...args: readonly string[]): Promise<CliRun>;
}

/** `url`: of the node that the shell's data directory is of. */
export async function operatorsShell(url: string): Promise<OperatorsShell> {
	const [data, folder] = [await temporaryDir(), await temporaryDir()];
	await writeFile(join(data.path, 'node.json'), JSON.stringify({ http: url, pid: process.pid }));
	return {
		folder: folder.path,
		async run(...args) {
			let out = '';
			const said: string[] = [];
			const code = await runCli(args, {
				env: { SUNDOG_DATA_DIR: data.path, SUNDOG_ADMIN_TOKEN: 'sixteen-letters-or-more' },
				out: (text) => {
					out += text;
				},
				say: (line) => void said.push(line),
				startNode: () => assert.fail('nothing should start'),
				checkStores: async () => {},
				onSignal: () => () => {},
				now: () => 0,
				exitNow: () => assert.fail('nothing should exit'),
			});
			return { code, out, said };
		},
		async [Symbol.asyncDispose]() {
			await data[Symbol.asyncDispose]();
			await folder[Symbol.asyncDispose]();
		},
	};
}
