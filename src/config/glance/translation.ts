/** What every translator works with: what the files say, and the settings that it turns them into. */
import type { RawValue } from '#config/settings/setting.ts';
import type { SettingName } from '../settings.ts';
import type { Assignment } from './ini.ts';
import type { OsloValue } from './oslo-types.ts';
import type { GlanceValues } from './values.ts';

export interface Translation extends GlanceValues {
	/**
	 * Makes a setting of options, named as `group.name`, the one that complaints are about first. When no file says
	 * anything of them it is Glance's default that is given.
	 */
	give(setting: SettingName, said: string | readonly string[], ...refs: readonly string[]): void;
	/** Makes an option of a store, likewise. */
	giveStore(id: string, option: string, said: string | readonly string[], ...refs: readonly string[]): void;
	/** The files say `enabled_backends`, or do not. */
	giveChoice(multi: boolean): void;
	/** Where Glance would find a file that is named without a folder: undefined when it is nowhere. */
	find(file: string): string | undefined;
	/** The same; one that is nowhere would belong beside the last of Glance's files. */
	place(file: string): string;
}

/** A setting, and the assignments that made it what it is. */
export interface Given extends RawValue {
	readonly causes: readonly Assignment[];
}

export interface Draft extends Translation {
	readonly given: ReadonlyMap<SettingName, Given>;
	readonly stores: GivenStores;
	multi(): boolean;
}

export type GivenStores = ReadonlyMap<string, ReadonlyMap<string, Given>>;

/** `file` stands for all of them in complaints about what none of them says. */
export function createDraft(
	values: GlanceValues,
	{ file, base, find, place }: Pick<Translation, 'find' | 'place'> & { readonly file: string; readonly base: string },
): Draft {
	const given = new Map<SettingName, Given>();
	const stores = new Map<string, Map<string, Given>>();
	let choice = false;
	const made = (said: string | readonly string[], refs: readonly string[]): Given => {
		const causes = refs.map((ref) => values.said(ref)).filter((cause) => cause !== undefined);
		return {
			texts: typeof said === 'string' ? [said] : said,
			from: causes[0]?.place ?? `${file}: ${unsaid(refs[0])}`,
			base,
			causes: causes.flatMap(({ assignments }) => assignments),
		};
	};
	return {
		...values,
		find,
		place,
		given,
		stores,
		multi: () => choice,
		give: (setting, said, ...refs) => void given.set(setting, made(said, refs)),
		giveStore(id, option, said, ...refs) {
			const options = stores.get(id) ?? new Map<string, Given>();
			stores.set(id, options.set(option, made(said, refs)));
		},
		giveChoice(multi) {
			choice = multi;
		},
	};
}

function unsaid(ref = ''): string {
	const at = ref.lastIndexOf('.');
	return at < 0 ? 'as in Glance' : `[${ref.slice(0, at)}] ${ref.slice(at + 1)}`;
}

/** Texts as settings read them. */
export function textsOf(value: OsloValue): string | readonly string[] {
	return Array.isArray(value) ? value : String(value);
}

export function textOf(value: OsloValue | undefined): string | undefined {
	return typeof value === 'string' && value !== '' ? value : undefined;
}
