/** A connection for as long as the store is open: a client that the cluster has shut out is replaced by a new one. */
import type { Cluster } from './cluster.ts';

export interface LastingConnection extends AsyncDisposable {
	readonly first: Cluster;
	current(): Promise<Cluster>;
	/** The connection stays open until the work has ended. */
	use<T>(work: (cluster: Cluster) => Promise<T>): Promise<T>;
}

export async function lastingConnection(connect: () => Promise<Cluster>): Promise<LastingConnection> {
	const first = await connect();
	let cluster = first;
	let connecting: Promise<Cluster> | undefined;
	const leaving = new Set<Promise<void>>();

	async function replace(): Promise<Cluster> {
		try {
			const next = await connect();
			const left = Promise.resolve(cluster[Symbol.asyncDispose]());
			leaving.add(left);
			left.then(() => leaving.delete(left)).catch(() => undefined);
			cluster = next;
			return next;
		} finally {
			connecting = undefined;
		}
	}
	async function current(): Promise<Cluster> {
		if (!cluster.calls.shutOut()) return cluster;
		connecting ??= replace();
		return connecting;
	}
	return {
		first,
		current,
		async use(work) {
			const held = await current();
			return held.hold(work(held));
		},
		async [Symbol.asyncDispose]() {
			await connecting?.catch(() => undefined);
			await Promise.allSettled(leaving);
			await cluster[Symbol.asyncDispose]();
		},
	};
}
