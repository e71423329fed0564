/** Every option that is known, by group and name. Groups of stores and of credentials are named by the files themselves. */
import type { Fate, GlanceOption } from './option.ts';
import { credentialOptions } from './options/credential.ts';
import { type StoreRole, storeOptions } from './options/stores.ts';
import { options, WHOLE_GROUPS } from './options.ts';

export interface OptionTable {
	/** by `group.name`, its present name or an older one */
	find(ref: string): GlanceOption | undefined;
	/** a group of which every option has one fate, whatever it is called */
	wholeGroup(group: string): { readonly fate: Fate; readonly says: string } | undefined;
	/** for "did you mean" */
	names(group: string): readonly string[];
	readonly groups: readonly string[];
}

export interface StoreFacts {
	readonly type: string;
	readonly role: StoreRole;
}

/** What only the files know. */
export interface NamedGroups {
	readonly stores: ReadonlyMap<string, StoreFacts>;
	/** those that `auth_section` points to */
	readonly credentials: readonly string[];
}

export function createTable({ stores, credentials }: NamedGroups = { stores: new Map(), credentials: [] }): OptionTable {
	const all = [
		...options,
		...[...stores].flatMap(([group, { type, role }]) => storeOptions(group, type, role)),
		...credentials.flatMap(credentialOptions),
	];
	const byName = new Map(all.flatMap((option) => option.formerly.map((name) => [name, option] as const)));
	for (const option of all) byName.set(`${option.group}.${option.name}`, option);
	const groups = [...new Set(all.map(({ group }) => group))];
	return {
		find: (ref) => byName.get(ref),
		wholeGroup: (group) => (Object.hasOwn(WHOLE_GROUPS, group) ? WHOLE_GROUPS[group] : undefined),
		names: (group) => all.filter((option) => option.group === group).map(({ name }) => name),
		groups: [...groups, ...Object.keys(WHOLE_GROUPS)],
	};
}
