/**
 * Who imports whom, drawn from the code: a mermaid chart of the folders of src/ and a table of the packages they use.
 *
 *   scripts/draw-imports            print it
 *   scripts/draw-imports --write    put it between the markers of docs/architecture.md
 *   scripts/draw-imports --check    fail when docs/architecture.md shows something else
 */
import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { publish, ROOT } from './docs/marked-block.ts';

const FLOORS = ['roof', 'doors', 'rooms', 'ground', 'cellar'] as const;
/** A folder that is named nowhere is a room; a file at the top of src/ is part of the roof. */
const FLOOR_OF: Readonly<Record<string, (typeof FLOORS)[number]>> = {
	cli: 'doors',
	http: 'doors',
	exchange: 'doors',
	domain: 'ground',
	config: 'cellar',
	lib: 'cellar',
};
/** So much leans on these that an arrow for each would hide all others. */
const FOUNDATIONS = ['domain', 'lib'];
const SPECIFIER = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])(?<name>[^'"\s]+)\1/g;

interface Import {
	/** folder of src/, or file name at its top */
	readonly from: string;
	/** the same, or a package */
	readonly to: string;
	/** file inside `to`, for our own */
	readonly file?: string;
}

const imports = globSync('src/**/*.ts', { cwd: ROOT }).sort().flatMap(importsOf);
if (imports.length === 0) throw new Error('no imports found under src/: the drawing would be empty');
publish('docs/architecture.md', 'imports', `${chart()}\n\n${packageTable()}`, process.argv[2]);

function importsOf(path: string): readonly Import[] {
	const from = folderOf(path);
	const code = readFileSync(join(ROOT, path), 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '');
	return [...code.matchAll(SPECIFIER)]
		.map((match) => match.groups?.name ?? '')
		.filter((name) => !isBuiltin(name))
		.map((name) => ({ from, ...targetOf(name, path) }))
		.filter(({ to }) => to !== from);
}

function targetOf(name: string, importer: string): Pick<Import, 'to' | 'file'> {
	if (name.startsWith('#')) return ourFile(`src/${name.slice(1)}`);
	if (name.startsWith('.')) return ourFile(normalize(join(dirname(importer), name)));
	return { to: name.split('/', name.startsWith('@') ? 2 : 1).join('/') };
}

function ourFile(path: string): Pick<Import, 'to' | 'file'> {
	return { to: folderOf(path), file: path.split('/').slice(2).join('/') };
}

function folderOf(path: string): string {
	return path.split('/')[1] ?? '';
}

function chart(): string {
	const ours = imports.filter(({ file }) => file !== undefined);
	const folders = [...new Set(ours.flatMap(({ from, to }) => [from, to]))].sort();
	const floors = FLOORS.map((floor) => {
		const here = folders.filter((folder) => floorOf(folder) === floor);
		return [
			`  subgraph ${floor}`,
			'    direction LR',
			...here.map((folder) => `    ${idOf(folder)}["${label(folder)}"]`),
			'  end',
		].join('\n');
	});
	return ['```mermaid', 'flowchart TD', ...floors, ...arrows(ours), '```', '', ...legend(ours)].join('\n');
}

function floorOf(folder: string): (typeof FLOORS)[number] {
	return folder.endsWith('.ts') ? 'roof' : (FLOOR_OF[folder] ?? 'rooms');
}

function arrows(ours: readonly Import[]): readonly string[] {
	const shown = ours.filter(({ from, to }) => from !== 'node.ts' && !FOUNDATIONS.includes(to));
	const lines = [...Map.groupBy(shown, ({ from, to }) => `${from} ${to}`).values()].map((group) => {
		const [{ from, to }] = group as [Import];
		const files = [...new Set(group.map(({ file }) => file))].filter(Boolean).sort();
		const stair = files.length > 0 && files.length <= 3 ? `|${files.join(', ')}|` : '';
		return `  ${idOf(from)} -->${stair} ${idOf(to)}`;
	});
	return [...lines.sort(), '  rooms --> domain', '  domain --> lib'];
}

/** What the chart leaves out, in words that come from the code too. */
function legend(ours: readonly Import[]): readonly string[] {
	const to = (target: string) => [...new Set(ours.filter((edge) => edge.to === target).map(({ from }) => from))].sort();
	const wired = [...new Set(ours.filter(({ from }) => from === 'node.ts').map((edge) => edge.to))].sort();
	return [
		`- \`node.ts\` wires: ${list(wired)}.`,
		...FOUNDATIONS.map((target) => `- \`${target}\` is imported by: ${list(to(target))}.`),
		'- An arrow carries the names of the files that are imported when they are three or fewer.',
	];
}

function packageTable(): string {
	const foreign = Map.groupBy(
		imports.filter(({ file }) => file === undefined),
		({ to }) => to,
	);
	const rows = [...foreign]
		.map(([name, group]) => `| \`${name}\` | ${list([...new Set(group.map(({ from }) => from))].sort())} |`)
		.sort();
	return ['| package | imported by |', '|---|---|', ...rows].join('\n');
}

function list(names: readonly string[]): string {
	return names.map((name) => `\`${name}\``).join(', ');
}

function label(folder: string): string {
	return folder.endsWith('.ts') ? folder : `${folder}/`;
}

function idOf(folder: string): string {
	return folder.replace('.ts', '_ts');
}
