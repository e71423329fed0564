/** UTC to the second: 2026-11-23T07:32:48Z */
export function seconds(at: number): string {
	return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** The two keys that end every payload: when the thing was deleted, if it was. */
export function deletion(deleted: boolean, at: number): { readonly deleted: boolean; readonly deleted_at: string | null } {
	return { deleted, deleted_at: deleted ? seconds(at) : null };
}
