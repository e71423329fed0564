import type { LedgerRow, TransferLedger } from './ports.ts';

/** Roots remembered; the one not added to for the longest time is dropped first. */
const MAX_ROOTS = 4096;
/** Sources remembered of one root; what more of them give is counted under the name `others`. */
const MAX_SOURCES = 256;

export function memoryLedger(): TransferLedger {
	const roots = new Map<string, Map<string, LedgerRow>>();

	const rowsOf = (root: string): Map<string, LedgerRow> => {
		const rows = roots.get(root) ?? new Map<string, LedgerRow>();
		roots.delete(root);
		roots.set(root, rows);
		const [oldest] = roots.keys();
		if (roots.size > MAX_ROOTS && oldest !== undefined) roots.delete(oldest);
		return rows;
	};

	return {
		add(root, { kind, name }, bytes) {
			const rows = rowsOf(root);
			const full = rows.size >= MAX_SOURCES && !rows.has(`${kind}/${name}`);
			const shown = full ? 'others' : name;
			const key = `${kind}/${shown}`;
			rows.set(key, { kind, name: shown, bytes: (rows.get(key)?.bytes ?? 0) + bytes });
		},
		of(root) {
			return [...(roots.get(root)?.values() ?? [])];
		},
		roots: () => [...roots.keys()],
	};
}
