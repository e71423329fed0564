import type { Log } from '#lib/log.ts';

export interface Listeners<T> {
	add(listener: (value: T) => void): () => void;
	/** Tells each; what one throws is logged and reaches nobody else. */
	tell(value: T): void;
}

export function listeners<T>(log: Log): Listeners<T> {
	const all = new Set<{ readonly hear: (value: T) => void }>();
	return {
		add(hear) {
			const entry = { hear };
			all.add(entry);
			return () => void all.delete(entry);
		},
		tell(value) {
			for (const { hear } of [...all]) {
				try {
					hear(value);
				} catch (error) {
					log.error({ err: error }, 'a follower of the catalogue failed');
				}
			}
		},
	};
}
