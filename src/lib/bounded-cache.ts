/** Values by key, until their weights come to more than `maxWeight`: then whoever was asked for least recently goes. */
export interface BoundedCache<V> {
	get(key: string): V | undefined;
	/** A value heavier than everything together is not kept. */
	set(key: string, value: V, weight: number): void;
	clear(): void;
}

export function boundedCache<V>(maxWeight: number): BoundedCache<V> {
	// a Map keeps the order of insertion; whoever is asked for is inserted anew
	const entries = new Map<string, { readonly value: V; readonly weight: number }>();
	let held = 0;
	const drop = (key: string): void => {
		held -= entries.get(key)?.weight ?? 0;
		entries.delete(key);
	};
	return {
		get(key) {
			const entry = entries.get(key);
			if (entry === undefined) return undefined;
			entries.delete(key);
			entries.set(key, entry);
			return entry.value;
		},
		set(key, value, weight) {
			drop(key);
			if (weight > maxWeight) return;
			entries.set(key, { value, weight });
			held += weight;
			for (const oldest of entries.keys()) {
				if (held <= maxWeight) break;
				drop(oldest);
			}
		},
		clear() {
			entries.clear();
			held = 0;
		},
	};
}
