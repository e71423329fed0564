/** What the files say of an option: the last word wins, older names count, `$name` stands for another option's value. */
import { ConfigError } from '../config.ts';
import { type Assignment, normalGroup } from './ini.ts';
import type { GlanceOption } from './option.ts';
import { type OsloValue, pythonText } from './oslo-types.ts';
import type { OptionTable } from './table.ts';

/** A value and the place that a complaint about it names. */
export interface Said {
	readonly value: OsloValue;
	/** `glance-api.conf:12: [DEFAULT] bind_host` */
	readonly place: string;
	readonly assignments: readonly Assignment[];
}

export interface GlanceValues {
	/** Of `group.name`. Undefined: no file says anything. Throws `ConfigError` for what cannot be read as the option's type. */
	said(ref: string): Said | undefined;
	/** the same, or Glance's default */
	value(ref: string): OsloValue | undefined;
}

/** A value that refers to one that refers to one … */
const MAX_DEPTH = 20;
/** References can double a text at each step. */
const MAX_ADDED_CHARS = 65_536;
/** `$$`, `$name` or `$group.name`, `${…}`; what looks otherwise stays as it is. */
const REFERENCE = /\$(?:(\$)|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})/gi;

/** `files` in the order of their precedence, the weakest first. */
export function createValues(files: readonly (readonly Assignment[])[], table: OptionTable): GlanceValues {
	const index = files.map(indexed);

	const assignmentsOf = (option: GlanceOption): readonly Assignment[] => {
		const names = [`${option.group}.${option.name}`, ...option.formerly];
		const perFile = index.map((file) => names.flatMap((name) => file.get(name) ?? []));
		if (option.type.multi) return perFile.flat();
		// In one file the present name is stronger than an older one, wherever they stand.
		const strongest = index.findLast((file) => names.some((name) => file.has(name)));
		const name = names.find((name) => strongest?.has(name));
		return strongest?.get(name ?? '')?.slice(-1) ?? [];
	};

	const substituted = (assignment: Assignment, home: string, depth: number): string => {
		const complain = (message: string): never => {
			throw new ConfigError(`${placeOf(assignment)}: ${message}`);
		};
		if (depth > MAX_DEPTH) complain('"$" leads from option to option without an end');
		let added = 0;
		const resolve = (_: string, dollar?: string, bare?: string, braced?: string): string => {
			if (dollar !== undefined) return '$';
			const inserted = pythonText(referred(bare ?? braced ?? '', home, depth, complain));
			added += inserted.length;
			return added > MAX_ADDED_CHARS ? complain('"$" makes the value too long') : inserted;
		};
		return assignment.text.replaceAll('\\$', '$$$$').replaceAll(REFERENCE, resolve);
	};

	/** Without a group: in the option's own group first, wherever an older name of it stands, then in [DEFAULT]. */
	const referred = (reference: string, home: string, depth: number, complain: (message: string) => never) => {
		const [group = '', ...rest] = reference.split('.');
		const elsewhere = `${normalGroup(group)}.${rest.join('.')}`;
		const option =
			rest.length > 0 ? table.find(elsewhere) : (table.find(`${home}.${reference}`) ?? table.find(`DEFAULT.${reference}`));
		if (option === undefined) return complain(`"$${reference}" is no option; write $$ for a dollar sign`);
		const said = read(option, depth + 1);
		if (said !== undefined) return said.value;
		if (option.byDefault !== undefined) return option.type.read(option.byDefault);
		return complain(`"$${reference}" refers to an option that no file sets`);
	};

	const known = new Map<GlanceOption, Said | undefined>();
	const read = (option: GlanceOption, depth: number): Said | undefined => {
		if (!known.has(option)) known.set(option, compute(option, depth));
		return known.get(option);
	};

	const compute = (option: GlanceOption, depth: number): Said | undefined => {
		const assignments = assignmentsOf(option);
		const last = assignments.at(-1);
		if (last === undefined) return undefined;
		const place = placeOf(last);
		const texts = assignments.map((assignment) => substituted(assignment, option.group, depth));
		const value = option.type.multi ? texts : typed(option, texts.at(-1) ?? '', place);
		return value === undefined ? undefined : { value, place, assignments };
	};

	const optionOf = (ref: string): GlanceOption => {
		const option = table.find(ref);
		if (option === undefined) throw new TypeError(`${ref} is in no table`);
		return option;
	};
	return {
		said: (ref) => read(optionOf(ref), 0),
		value(ref) {
			const option = optionOf(ref);
			return read(option, 0)?.value ?? (option.byDefault === undefined ? undefined : option.type.read(option.byDefault));
		},
	};
}

export function placeOf({ file, line, group, name }: Assignment): string {
	return `${file}:${line}: [${group}] ${name}`;
}

function typed({ type }: GlanceOption, text: string, place: string): OsloValue | undefined {
	try {
		return type.read(text);
	} catch (error) {
		throw new ConfigError(`${place}: ${(error as Error).message}`, { cause: error });
	}
}

function indexed(assignments: readonly Assignment[]): ReadonlyMap<string, readonly Assignment[]> {
	return Map.groupBy(assignments, ({ group, name }) => `${group}.${name}`);
}
