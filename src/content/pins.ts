/** Contents that must stay, counted: each pin is let go on its own. */
export function createPins() {
	const counts = new Map<string, number>();
	const watches = new Set<Set<string>>();

	return {
		has: (root: string): boolean => counts.has(root),
		add(root: string): Disposable {
			counts.set(root, (counts.get(root) ?? 0) + 1);
			for (const seen of watches) seen.add(root);
			let pinned = true;
			return {
				[Symbol.dispose]() {
					if (!pinned) return;
					pinned = false;
					const left = (counts.get(root) ?? 1) - 1;
					if (left === 0) counts.delete(root);
					else counts.set(root, left);
				},
			};
		},
		/** Tells `work` what is pinned, or was at any time since it began. */
		async watch<T>(work: (wasPinned: (root: string) => boolean) => Promise<T>): Promise<T> {
			const seen = new Set<string>();
			watches.add(seen);
			try {
				return await work((root) => counts.has(root) || seen.has(root));
			} finally {
				watches.delete(seen);
			}
		},
	};
}
