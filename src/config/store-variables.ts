/** Stores in the environment: SUNDOG_STORES names them, SUNDOG_STORE_<ID>_<OPTION> says the rest, also of stores of other sources. */
import { ConfigError } from './config.ts';
import type { Env } from './env.ts';
import type { RawValue } from './settings/setting.ts';
import { SETTINGS, STORES } from './settings.ts';
import type { RawStores } from './stores.ts';

const PREFIX = 'SUNDOG_STORE_';

interface StoreVariables {
	readonly stores: RawStores;
	/** those that were read */
	readonly names: readonly string[];
}

/** `others` are ids that weaker sources name. */
export function readStoreVariables(env: Env, base: string, others: readonly string[]): StoreVariables {
	const stores = new Map<string, Map<string, RawValue>>();
	const say = (id: string, option: string, text: string, from: string) => {
		const options = stores.get(id) ?? new Map<string, RawValue>();
		stores.set(id, options.set(option, { texts: [text], from, base }));
	};
	for (const [id, type] of namedIn(env[STORES.env] ?? '')) say(id, 'type', type, STORES.env);
	const ids = [...new Set([...others, ...stores.keys()])];
	const names: string[] = [];
	for (const [name, text = ''] of Object.entries(env)) {
		if (!name.startsWith(PREFIX) || name === SETTINGS.storeFileDir.env) continue;
		const id = ownerOf(name, ids);
		if (id === undefined) continue;
		names.push(name);
		if (text !== '') say(id, name.slice(prefixOf(id).length).toLowerCase(), text, name);
	}
	return { stores, names };
}

function namedIn(text: string): readonly (readonly [id: string, type: string])[] {
	const parts = text.split(',').map((part) => part.trim());
	return parts
		.filter((part) => part !== '')
		.map((part) => {
			const [, id, type] = /^([^:\s]+):([^:\s]+)$/.exec(part) ?? [];
			if (id === undefined || type === undefined) throw new ConfigError(`${STORES.env}: "${part}" is not a store as id:type`);
			return [id, type];
		});
}

function prefixOf(id: string): string {
	return `${PREFIX}${id.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_`;
}

/** Of the stores a and a_b it is a_b that SUNDOG_STORE_A_B_WEIGHT speaks of. */
function ownerOf(variable: string, ids: readonly string[]): string | undefined {
	const fitting = ids.filter((id) => variable.startsWith(prefixOf(id)) && variable.length > prefixOf(id).length);
	const [best, second] = fitting.toSorted((a, b) => b.length - a.length);
	if (best !== undefined && second !== undefined && best.length === second.length)
		throw new ConfigError(`${variable}: it speaks of both ${best} and ${second}; say it in a file`);
	return best;
}
