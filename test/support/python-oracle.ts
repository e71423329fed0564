/** The original that we must agree with, asked in bulk: one Python process, a JSON value a line. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** Debian's, which has OpenStack's packages. */
const PYTHON = '/usr/bin/python3';

/** False, or why the original cannot be asked. */
export function missingPython(...modules: readonly string[]): string | false {
	const absent = modules.filter((name) => spawnSync(PYTHON, ['-W', 'ignore', '-c', `import ${name}`]).status !== 0);
	return absent.length === 0 ? false : `${PYTHON} has no ${absent.join(', ')}`;
}

/** Answers in the order of the questions. `script` is a file of test/interop. */
export async function askPython(
	script: string,
	questions: readonly unknown[],
	args: readonly string[] = [],
): Promise<readonly unknown[]> {
	const path = fileURLToPath(new URL(`../interop/${script}`, import.meta.url));
	const oracle = spawn(PYTHON, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
	Readable.from(questions.map((question) => `${JSON.stringify(question)}\n`)).pipe(oracle.stdin);
	const ended = once(oracle, 'close');
	const answers = await Array.fromAsync(createInterface({ input: oracle.stdout }), (line): unknown => JSON.parse(line));
	assert.deepEqual(await ended, [0, null], `${script} fell`);
	assert.equal(answers.length, questions.length);
	return answers;
}
