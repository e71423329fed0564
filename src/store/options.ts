/**
 * Options of a store as an operator gives them, by Glance's names: texts, as in an INI file. A driver reads them once, with
 * the words below, and complains with the option's name.
 */
export type StoreOptions = Readonly<Record<string, string | readonly string[]>>;

/** One line that an operator can act on, without the store's id, which whoever opens stores adds. */
export class OptionError extends Error {
	override readonly name = 'OptionError';
}

/** Reads one option; `undefined`: it is not said. */
export type Read<T> = (value: string | readonly string[] | undefined, name: string) => T;

/** What a table of reads makes of options. An option that the table does not know is refused. */
export type Parsed<Table extends Readonly<Record<string, Read<unknown>>>> = { readonly [K in keyof Table]: ReturnType<Table[K]> };

export function parseOptions<Table extends Readonly<Record<string, Read<unknown>>>>(
	table: Table,
	options: StoreOptions,
): Parsed<Table> {
	for (const name of Object.keys(options)) if (!Object.hasOwn(table, name)) throw new OptionError(`there is no option ${name}`);
	return Object.fromEntries(Object.entries(table).map(([name, read]) => [name, read(options[name], name)])) as Parsed<Table>;
}

/** An empty text is none, as in an INI file. */
export const text =
	(byDefault: string): Read<string> =>
	(value, name) =>
		single(value, name) ?? byDefault;

export const maybeText: Read<string | undefined> = (value, name) => single(value, name);

export const needed: Read<string> = (value, name) => {
	const said = single(value, name);
	if (said === undefined) throw new OptionError(`option ${name} is needed`);
	return said;
};

export const count =
	(byDefault: number, { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}): Read<number> =>
	(value, name) => {
		const said = single(value, name);
		if (said === undefined) return byDefault;
		const number = /^-?\d{1,15}$/.test(said) ? Number(said) : Number.NaN;
		if (!(number >= min && number <= max))
			throw new OptionError(`option ${name}: "${said}" is no whole number from ${min} to ${max}`);
		return number;
	};

const FLAGS: Readonly<Record<string, boolean>> = {
	true: true,
	'1': true,
	yes: true,
	on: true,
	false: false,
	'0': false,
	no: false,
	off: false,
};

export const flag =
	(byDefault: boolean): Read<boolean> =>
	(value, name) => {
		const said = single(value, name)?.toLowerCase();
		if (said === undefined) return byDefault;
		const known = FLAGS[said];
		if (known === undefined) throw new OptionError(`option ${name}: "${said}" is neither true nor false`);
		return known;
	};

export const choice =
	<const T extends string>(byDefault: T, ...others: readonly T[]): Read<T> =>
	(value, name) => {
		const said = single(value, name);
		const found = [byDefault, ...others].find((each) => each === (said ?? byDefault));
		if (found === undefined) throw new OptionError(`option ${name}: "${said}" is none of ${[byDefault, ...others].join(', ')}`);
		return found;
	};

/** Repeated, or separated by commas. */
export const list: Read<readonly string[]> = (value) => {
	const said = typeof value === 'string' ? value.split(',') : (value ?? []);
	return said.map((each) => each.trim()).filter((each) => each !== '');
};

/** Repeated; commas belong to the value. */
export const many: Read<readonly string[]> = (value) =>
	(typeof value === 'string' ? [value] : (value ?? [])).filter((each) => each !== '');

/** For options of Glance's that mean nothing here: known, and not looked at. */
export const ignored: Read<undefined> = () => undefined;

function single(value: string | readonly string[] | undefined, name: string): string | undefined {
	if (value !== undefined && typeof value !== 'string' && value.length > 1)
		throw new OptionError(`option ${name} is given more than once`);
	const said = typeof value === 'string' ? value : value?.[0];
	return said === undefined || said === '' ? undefined : said;
}
