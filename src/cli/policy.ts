/** `sundog policy …`: what the rules are, whether a file of them is right, and what they say of a caller. */
import type { Command } from 'commander';
import { didYouMean } from '#config/nearest.ts';
import { silentLog } from '#lib/log.ts';
import { inspectFiles } from '#policy/inspect-files.ts';
import type { OperatorFiles } from '#policy/operator-files.ts';
import { contextOf, type Persona, targetOf } from '#policy/persona.ts';
import { RuleFileError } from '#policy/rule-file.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { samplePolicyFile } from '#policy/sample.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { addSettingFlags, configFrom } from './setting-flags.ts';
import type { Terminal } from './terminal.ts';

interface CheckOptions extends Persona {
	readonly file?: string;
	readonly dir: readonly string[];
	readonly legacy?: true;
	readonly rule?: string;
	readonly target: readonly string[];
	readonly config?: string;
}

export function addPolicyCommands(program: Command, terminal: Terminal): void {
	const policy = program.command('policy').description('the rules that decide what callers may do');
	policy
		.command('generate')
		.description('print every rule as a policy file of remarks')
		.option('--legacy', 'as they are while new defaults are not enforced')
		.action((options: { readonly legacy?: true }) => terminal.out(samplePolicyFile(options)));
	const check = policy
		.command('check')
		.description('say what is wrong with policy files, or with --rule what they decide')
		.option('--file <file>', 'instead of the one of the settings')
		.option('--dir <folder>', 'instead of those of the settings; may come again', gathered, [])
		.option('--legacy', 'new defaults are not enforced')
		.option('--rule <name>', 'decide this rule for the caller described by the other flags')
		.option('--roles <role,…>', 'of the caller', (text) => text.split(',').map((role) => role.trim()), [])
		.option('--project <id>', 'of the caller')
		.option('--user <id>', 'of the caller')
		.option('--domain <id>', 'the caller has a token for this domain, not for a project')
		.option('--system', 'the caller has a token for the system, not for a project')
		.option('--target <key=value>', 'of what is asked about; may come again; JSON or a text', gathered, []);
	addSettingFlags(check, []).action((options: CheckOptions) => checkFiles(terminal, options));
}

function gathered(value: string, before: readonly string[]): readonly string[] {
	return [...before, value];
}

async function checkFiles(terminal: Terminal, options: CheckOptions): Promise<void> {
	const { files: named, ...settings } = settingsOf(terminal, options);
	const { problems, files, rules } = await inspectFiles({ ...settings, ...named, didYouMean }).catch((error: unknown) => {
		throw error instanceof RuleFileError ? new CliError(EXIT.failure, error.message, { cause: error }) : error;
	});
	if (options.rule !== undefined) {
		for (const problem of problems) terminal.say(`sundog: warning: ${problem}`);
		const policy = createRulePolicy({ ...settings, overrides: Object.fromEntries(rules), log: silentLog });
		const ctx = contextOf(options, (each) => policy.allows(each, 'context_is_admin', {}));
		terminal.out(`${policy.allows(ctx, options.rule, targetFrom(options)) ? 'allowed' : 'denied'}: ${options.rule}\n`);
		return;
	}
	for (const problem of problems) terminal.out(`${problem}\n`);
	if (problems.length > 0) throw new CliError(EXIT.failure, `${counted(problems.length, 'problem')} in the policy files`);
	terminal.out(`${counted(rules.size, 'rule')} in ${counted(files.length, 'file')}: nothing wrong\n`);
}

/** A file or folder on the command line stands for all of those in the settings. */
function settingsOf(terminal: Terminal, { config, file, dir, legacy }: CheckOptions) {
	const { file: configuredFile, dirs, ...policy } = configFrom(terminal, config === undefined ? {} : { config }, 'quiet').policy;
	const named = file !== undefined || dir.length > 0 ? { file, dirs: dir } : { file: configuredFile, dirs };
	const files: OperatorFiles = { dirs: named.dirs, ...(named.file !== undefined && { file: named.file }) };
	return { ...policy, ...(legacy && { enforceNewDefaults: false }), files };
}

function targetFrom(options: CheckOptions) {
	try {
		return targetOf(options.target, options);
	} catch (error) {
		throw new CliError(EXIT.usage, `--target: ${(error as Error).message}`, { cause: error });
	}
}

function counted(count: number, word: string): string {
	return `${count} ${word}${count === 1 ? '' : 's'}`;
}
