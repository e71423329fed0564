/** One setting: its names, its meaning, its default and how its text is read. */
export interface Setting<T> {
	/** in the file; dots are nesting */
	readonly key: string;
	readonly env: string;
	/** absent for what must not be seen in a process list */
	readonly flag?: string;
	readonly hint: string;
	readonly help: string;
	/** in words, for people */
	readonly byDefault: string;
	/** takes several: a comma list, in the file also a sequence */
	readonly list: boolean;
	/** never shown */
	readonly secret: boolean;
	read(raw: RawValue): T;
}

/** What a source said, and where, so that a complaint can point there. */
export interface RawValue {
	readonly texts: readonly string[];
	/** `SUNDOG_LISTEN`, `--listen`, `sundog.yaml:3:9`, `glance-api.conf:12: [DEFAULT] bind_host` */
	readonly from: string;
	/** the folder that relative paths begin in */
	readonly base: string;
}

/** What was said of a topic's settings; what was not said is absent. */
export type Values<R> = { readonly [N in keyof R]?: R[N] extends Setting<infer T> ? T : never };

/** Complains about a value that was read well but does not fit the others, and says where it came from. */
export type Refuse<R> = (name: keyof R, message: string) => never;

type Row = Pick<Setting<unknown>, 'key' | 'hint' | 'help' | 'byDefault'> & { readonly env?: string; readonly flag?: string };
type Read<T> = (raw: RawValue) => T;

export function one<T>(row: Row, parse: (text: string, base: string) => T): Setting<T> {
	return { ...named(row), ...row, list: false, secret: false, read: single(parse) };
}

/** A secret has no flag: a process list would show it. */
export function secret<T>({ key, env = variable(key), ...row }: Omit<Row, 'flag'>, parse: (text: string) => T): Setting<T> {
	return { ...row, key, env, list: false, secret: true, read: single(parse) };
}

export function many<T>(row: Row, parse: (texts: readonly string[], base: string) => T): Setting<T> {
	const split = (texts: readonly string[]) =>
		texts
			.flatMap((text) => text.split(','))
			.map((text) => text.trim())
			.filter((text) => text !== '');
	return { ...named(row), ...row, list: true, secret: false, read: ({ texts, base }) => parse(split(texts), base) };
}

function single<T>(parse: (text: string, base: string) => T): Read<T> {
	return ({ texts, base }) => {
		if (texts.length !== 1 || texts[0] === undefined) throw new Error('one value is needed, not a list');
		return parse(texts[0], base);
	};
}

/** `keystone.ca_file` is SUNDOG_KEYSTONE_CA_FILE and --keystone-ca-file, unless a row says otherwise. */
function named({ key }: Row): { readonly env: string; readonly flag: string } {
	return { env: variable(key), flag: `--${key.replaceAll(/[._]/g, '-')}` };
}

function variable(key: string): string {
	return `SUNDOG_${key.replaceAll('.', '_').toUpperCase()}`;
}
