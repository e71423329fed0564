/** A part of a page that a script writes, between `<!-- NAME:begin -->` and `<!-- NAME:end -->`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const ROOT = dirname(dirname(import.meta.dirname));

/** Carries out `--write` (replace), `--check` (exit code 1 when the page shows something else) or nothing (print). */
export function publish(page: string, name: string, content: string, mode: string | undefined): void {
	const path = join(ROOT, page);
	if (mode === undefined) process.stdout.write(`${content}\n`);
	else if (mode === '--write') writeFileSync(path, replaced(path, name, content));
	else if (mode === '--check') check(path, name, content, page);
	else throw new TypeError(`unknown option ${mode}`);
}

function replaced(path: string, name: string, content: string): string {
	const begin = `<!-- ${name}:begin -->`;
	const end = `<!-- ${name}:end -->`;
	const page = readFileSync(path, 'utf8');
	const start = page.indexOf(begin);
	const stop = page.indexOf(end);
	if (start < 0 || stop < start) throw new Error(`${path} lacks ${begin} or ${end}`);
	return `${page.slice(0, start)}${begin}\n${content}\n${page.slice(stop)}`;
}

function check(path: string, name: string, content: string, page: string): void {
	if (replaced(path, name, content) === readFileSync(path, 'utf8')) return;
	process.stderr.write(`${page} (${name}) differs from the code: run its script with --write\n`);
	process.exitCode = 1;
}
