/** The operator's policy file and folders: what they say, and whether they have changed. */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RuleSource } from './rule.ts';
import { parseRuleFile, type RuleEntry, RuleFileError } from './rule-file.ts';

export interface OperatorFiles {
	/** absent, or not there: defaults only */
	readonly file?: string;
	/** read after the file, one after the other; in each the files by name, without hidden ones; not there: empty */
	readonly dirs?: readonly string[];
}

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_FILES_PER_DIR = 256;
const SUFFIX = /\.(?:yaml|yml|json)$/;

/** Rules by name; what is read later replaces what was read before. Fails as a whole. */
export async function readOperatorFiles(files: OperatorFiles): Promise<ReadonlyMap<string, RuleSource>> {
	const rules = new Map<string, RuleSource>();
	for (const path of await pathsOf(files)) for (const { name, source } of await readEntries(path)) rules.set(name, source);
	return rules;
}

export async function readEntries(path: string): Promise<readonly RuleEntry[]> {
	return parseRuleFile(await readText(path), path);
}

/** Files to read, in order. */
export async function pathsOf({ file, dirs = [] }: OperatorFiles): Promise<readonly string[]> {
	const paths = file !== undefined && (await stamp(file)) !== undefined ? [file] : [];
	for (const dir of dirs) {
		const names = (await namesIn(dir)).filter((name) => SUFFIX.test(name) && !name.startsWith('.')).sort();
		if (names.length > MAX_FILES_PER_DIR) throw new RuleFileError(`${dir}: more than ${MAX_FILES_PER_DIR} files`);
		paths.push(...names.map((name) => join(dir, name)));
	}
	return paths;
}

/** Differs whenever a file came, went, was written or replaced, also behind a symbolic link. */
export async function fingerprintOf(files: OperatorFiles): Promise<string> {
	const stamps = (await pathsOf(files)).map(async (path) => [path, await stamp(path)]);
	return JSON.stringify(await Promise.all(stamps));
}

async function stamp(path: string): Promise<string | undefined> {
	try {
		const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
		return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
	} catch (error) {
		if (isMissing(error)) return undefined;
		throw new RuleFileError(`${path}: ${(error as Error).message}`, { cause: error });
	}
}

async function namesIn(dir: string): Promise<readonly string[]> {
	try {
		return await readdir(dir);
	} catch (error) {
		if (isMissing(error)) return [];
		throw new RuleFileError(`${dir}: ${(error as Error).message}`, { cause: error });
	}
}

/** Never more than the limit, whatever the file grows to meanwhile. */
export async function readText(path: string): Promise<string> {
	try {
		await using file = await open(path, 'r');
		const bytes = Buffer.alloc(MAX_FILE_BYTES + 1);
		let length = 0;
		for (;;) {
			const { bytesRead } = await file.read(bytes, length, bytes.length - length);
			length += bytesRead;
			if (length > MAX_FILE_BYTES) throw new RuleFileError(`${path}: larger than ${MAX_FILE_BYTES} bytes`);
			if (bytesRead === 0) return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
		}
	} catch (error) {
		if (error instanceof RuleFileError) throw error;
		throw new RuleFileError(`${path}: ${(error as Error).message}`, { cause: error });
	}
}

function isMissing(error: unknown): boolean {
	const code = (error as NodeJS.ErrnoException).code;
	return code === 'ENOENT' || code === 'ENOTDIR';
}
