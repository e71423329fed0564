/** Glance's files as an operator names them: a list of files and folders, the later the stronger. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '../config.ts';
import { readTextFile } from '../text-file.ts';
import { type Assignment, parseIni } from './ini.ts';

export interface GlanceFiles {
	/** as complaints call them, the weakest first */
	readonly names: readonly string[];
	readonly contents: readonly (readonly Assignment[])[];
	/** where files stand that the files name without a folder, the first to be searched first */
	readonly folders: readonly string[];
}

const MAX_FILES = 100;

/** `spec` is a comma list. Of a folder it is every `*.conf` in it, by name, as oslo's --config-dir. */
export function readGlanceFiles(spec: string, cwd: string): GlanceFiles {
	const given = spec.split(',').map((part) => part.trim());
	if (given.includes('')) throw new ConfigError(`"${spec}" is not a list of files`);
	const found = given.map((name) => ({ name, path: resolve(cwd, name), files: filesAt(name, resolve(cwd, name)) }));
	const names = found.flatMap(({ files }) => files);
	if (names.length > MAX_FILES) throw new ConfigError(`${spec} has ${names.length} files; ${MAX_FILES} are the most`);
	return {
		names,
		contents: names.map((name) => parseIni(readTextFile(resolve(cwd, name), name), name)),
		folders: found.map(({ path, files, name }) => (files[0] === name ? dirname(path) : path)).reverse(),
	};
}

function filesAt(name: string, path: string): readonly string[] {
	if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [name];
	const inside = readdirSync(path).filter((file) => file.endsWith('.conf') && !file.startsWith('.'));
	return inside.sort().map((file) => join(name, file));
}
