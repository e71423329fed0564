/** Sources of blocks made of real stores, with the ways real ones misbehave, and a count of what was asked of them. */
import type { BlockSession, BlockSource, BlockSources, ContentStore } from '#content/ports.ts';
import { ImageError } from '#domain/errors.ts';

export interface TestSource extends BlockSource {
	/** every fetch that was started, by block number, in order */
	readonly fetched: number[];
	manifests: number;
}

export interface Behaviour {
	readonly depth?: number;
	readonly kind?: 'peer' | 'origin';
	/** before a block is given; rejects to fail, waits to stall */
	readonly before?: (index: number, signal: AbortSignal) => Promise<void>;
	/** changes the bytes given, in place */
	readonly spoil?: (index: number, bytes: Uint8Array) => void | Promise<void>;
	readonly spoilManifest?: (digests: Uint8Array) => Uint8Array;
	readonly has?: (index: number) => boolean;
}

export function storeSource(name: string, store: ContentStore, behaviour: Behaviour = {}): TestSource {
	const fetched: number[] = [];
	return {
		name,
		kind: behaviour.kind ?? 'peer',
		fetched,
		manifests: 0,
		async manifest(content) {
			this.manifests++;
			const known = await store.digests(content.root);
			if (known === undefined) throw new ImageError('not-found', 'no such content');
			return behaviour.spoilManifest?.(known.digests.slice()) ?? known.digests;
		},
		async open(content): Promise<BlockSession> {
			const reader = await store.open(content.root);
			if (reader === undefined) throw new ImageError('not-found', 'no such content');
			return {
				depth: behaviour.depth ?? 4,
				async fetch(index, into, { signal }) {
					fetched.push(index);
					await behaviour.before?.(index, signal);
					if (signal.aborted) throw signal.reason;
					if (behaviour.has?.(index) === false) throw new ImageError('not-found', 'no such block');
					if ((await reader.read(index, into)) === 0) throw new ImageError('not-found', 'no such block');
					await behaviour.spoil?.(index, into);
				},
				[Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
			};
		},
	};
}

export interface TestSources extends BlockSources {
	/** in order of preference; tell `changed` after changing it */
	list: BlockSource[];
	readonly bad: { readonly name: string; readonly index: number }[];
	changed(): void;
}

export function testSources(...list: BlockSource[]): TestSources {
	const listeners = new Set<() => void>();
	const bad: { name: string; index: number }[] = [];
	return {
		list,
		bad,
		find() {
			return this.list;
		},
		onChange(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		reportBad(name, _content, index) {
			bad.push({ name, index });
		},
		changed() {
			for (const listener of listeners) listener();
		},
	};
}
