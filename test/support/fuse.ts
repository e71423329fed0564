/** A process that dies at the N-th point of its journal: what was done until then stays, and nothing is done after it. */
import type { LocalCatalogue } from '#catalogue/catalogue.ts';
import type { ImageData } from '#domain/ports/image-data.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import type { KeyValue } from '#lib/key-value.ts';

export interface Fuse {
	/** points passed so far: two for each thing done, before it and after it */
	readonly points: number;
	readonly burnt: boolean;
	around<T>(act: () => Promise<T>): Promise<T>;
}

export function fuse(at = Number.POSITIVE_INFINITY): Fuse {
	let points = 0;
	let burnt = false;
	const point = (): void => {
		if (!burnt) points += 1;
		burnt ||= points === at;
		if (burnt) throw new Error('the process is dead');
	};
	return {
		get points() {
			return points;
		},
		get burnt() {
			return burnt;
		},
		async around(act) {
			point();
			const result = await act();
			point();
			return result;
		},
	};
}

export function fusedCatalogue(catalogue: LocalCatalogue, { around }: Fuse): LocalCatalogue {
	return { ...catalogue, commit: (...args) => around(() => catalogue.commit(...args)) };
}

export function fusedKeyValue(kv: KeyValue, { around }: Fuse): KeyValue {
	return { ...kv, write: (...args) => around(() => kv.write(...args)) };
}

export function fusedData(data: ImageData, { around }: Fuse): ImageData {
	return {
		...data,
		async write(...args) {
			const written: Awaited<ReturnType<ImageData['write']>>[] = [];
			try {
				return await around(async () => {
					const one = await data.write(...args);
					written.push(one);
					return one;
				});
			} catch (error) {
				// what a process holds on to, it lets go when it dies
				for (const one of written) await one[Symbol.asyncDispose]();
				throw error;
			}
		},
		hollow: (...args) => around(() => data.hollow(...args)),
		forget: (...args) => around(() => data.forget(...args)),
	};
}

export function fusedStore(store: ImageStore, { around }: Fuse): ImageStore {
	return {
		...store,
		put: (...args) => around(() => store.put(...args)),
		remove: (...args) => around(() => store.remove(...args)),
	};
}
