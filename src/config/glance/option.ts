/** What is known of one option of Glance, and the words that the tables in options/ are written with. */
import type { SettingName } from '../settings.ts';
import type { OsloType, OsloValue } from './oslo-types.ts';

/**
 * `honoured`: it means here what it means there · `translated`: something near it, said how · `meaningless`: nothing here
 * that it could mean, said why · `later`: a part of Glance that Sundog does not have yet.
 */
export type Fate = 'honoured' | 'translated' | 'meaningless' | 'later';

export interface GlanceOption {
	readonly group: string;
	readonly name: string;
	readonly type: OsloType;
	readonly fate: Fate;
	/** for people: what becomes of it; empty where the settings that it gives say so */
	readonly says: string;
	readonly give?: Give;
	/** text, as in a file; absent: none that anything here depends on */
	readonly byDefault?: string;
	/** `group.name`, as Glance honours them too */
	readonly formerly: readonly string[];
}

/** A setting that one option alone decides. */
interface Give {
	readonly to: SettingName;
	/** default: as it is. An empty text leaves the setting alone. */
	readonly as?: (value: OsloValue) => string;
}

export interface Spec extends Partial<Give> {
	readonly type: OsloType;
	readonly byDefault?: string;
	readonly formerly?: readonly string[];
}

type Specs = Readonly<Record<string, OsloType | Spec>>;

export const honoured = (group: string, specs: Specs) => rows(group, 'honoured', '', specs);
export const translated = (group: string, says: string, specs: Specs) => rows(group, 'translated', says, specs);
export const meaningless = (group: string, says: string, specs: Specs) => rows(group, 'meaningless', says, specs);
export const later = (group: string, says: string, specs: Specs) => rows(group, 'later', says, specs);

/** An option that alone decides a setting. */
export function to(setting: SettingName, type: OsloType, rest: Omit<Spec, 'type' | 'to'> = {}): Spec {
	return { ...rest, type, to: setting };
}

/** An option that Glance knows under older names as well. */
export function was(type: OsloType, ...formerly: readonly string[]): Spec {
	return { type, formerly };
}

function rows(group: string, fate: Fate, says: string, specs: Specs): readonly GlanceOption[] {
	return Object.entries(specs).map(([name, spec]) => {
		const { type, to: setting, as, byDefault, formerly = [] }: Spec = 'type' in spec ? spec : { type: spec };
		return {
			group,
			name,
			type,
			fate,
			says,
			...(setting !== undefined && { give: { to: setting, ...(as !== undefined && { as }) } }),
			...(byDefault !== undefined && { byDefault }),
			formerly,
		};
	});
}
