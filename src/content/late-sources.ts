import type { BlockSources } from './ports.ts';

/**
 * The content store must be there before the peers' door (which serves from it), and asks that door for sources. Until
 * `connect` there are none, which is what a node without peers sees too.
 */
export function lateSources(): BlockSources & { connect(sources: BlockSources): void } {
	const listeners = new Set<() => void>();
	let connected: BlockSources | undefined;
	const tell = () => {
		for (const listener of listeners) listener();
	};
	return {
		connect(sources) {
			connected = sources;
			sources.onChange(tell);
			tell();
		},
		find: (content) => connected?.find(content) ?? [],
		reportBad: (name, content, index) => connected?.reportBad(name, content, index),
		onChange(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
	};
}
