/** Values by key: at least the latest `max / 2` that were asked for or set, and never more than `max`. */
export interface RecentCache<V> {
	get(key: string): V | undefined;
	set(key: string, value: V): void;
}

/**
 * Two generations instead of one order of use: what is asked for again costs a look and moves nothing, where keeping the
 * order took a sixth of the time of answering for an image.
 */
export function recentCache<V>(max: number): RecentCache<V> {
	let young = new Map<string, V>();
	let old = new Map<string, V>();
	function set(key: string, value: V): void {
		young.set(key, value);
		if (young.size * 2 < max) return;
		old = young;
		young = new Map();
	}
	return {
		get(key) {
			const fresh = young.get(key);
			if (fresh !== undefined) return fresh;
			const value = old.get(key);
			if (value !== undefined) set(key, value);
			return value;
		},
		set,
	};
}
