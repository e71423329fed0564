/**
 * A disk that keeps over a loss of power what was synced, and of the rest whatever it likes: names that were made, changed or
 * removed since their folder was synced may be as before or as after, each for itself; a file that is being written may be cut.
 */
import { basename, dirname, join } from 'node:path';
import type { NoteDisk } from '#store/drivers/half-made/notes.ts';

/** undefined: a folder */
type Names = ReadonlyMap<string, string | undefined>;

export interface LosingDisk extends NoteDisk {
	/** Every state in which a loss of power at this moment may leave it. */
	afterLoss(): readonly LosingDisk[];
	names(): readonly string[];
}

type Change = (names: Map<string, string | undefined>) => void;

/** `step` is called before each thing that is done; when it throws, that is not done. */
export function losingDisk(step: () => void = () => undefined, durable: Names = new Map([['/', undefined]])): LosingDisk {
	let kept = durable;
	let pending: readonly { readonly folder: string; readonly change: Change }[] = [];

	const seen = () => withChanges(kept, pending);
	const later = (path: string, change: Change) => {
		pending = [...pending, { folder: dirname(path), change }];
	};
	return {
		async makeFolder(path) {
			step();
			const missing = ancestors(path).filter((each) => !seen().has(each));
			for (const each of missing) later(each, (names) => names.set(each, undefined));
			return missing[0];
		},
		async list(path) {
			step();
			return [...seen().keys()].filter((each) => each !== '/' && dirname(each) === path).map((each) => basename(each));
		},
		async read(path) {
			step();
			const text = seen().get(path);
			if (text === undefined) throw new Error(`there is no file ${path}`);
			return text;
		},
		async write(path, text) {
			step();
			later(path, (names) => names.set(path, text.slice(0, text.length / 2)));
			step();
			later(path, (names) => names.set(path, text));
		},
		async rename(from, to) {
			step();
			const text = seen().get(from);
			later(to, (names) => {
				names.delete(from);
				names.set(to, text);
			});
		},
		async remove(path) {
			step();
			later(path, (names) => names.delete(path));
		},
		async syncFolder(path) {
			step();
			const [now, still] = [pending.filter(({ folder }) => folder === path), pending.filter(({ folder }) => folder !== path)];
			kept = withChanges(kept, now);
			pending = still;
		},
		afterLoss: () => subsets(pending).map((some) => losingDisk(undefined, reachable(withChanges(kept, some)))),
		names: () => [...seen().keys()].filter((each) => seen().get(each) !== undefined),
	};
}

function withChanges(names: Names, changes: readonly { readonly change: Change }[]): Names {
	const changed = new Map(names);
	for (const { change } of changes) change(changed);
	return changed;
}

/** What lies in a folder that is lost is lost. */
function reachable(names: Names): Names {
	return new Map([...names].filter(([path]) => ancestors(dirname(path)).every((folder) => names.has(folder))));
}

function ancestors(path: string): readonly string[] {
	return path === '/' ? ['/'] : [...ancestors(dirname(path)), path];
}

function subsets<T>([first, ...others]: readonly T[]): readonly (readonly T[])[] {
	if (first === undefined) return [[]];
	return subsets(others).flatMap((some) => [some, [first, ...some]]);
}

export const noteFolder = join('/', 'node', 'stores', 'depot');
