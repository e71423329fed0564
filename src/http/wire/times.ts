/** UTC to the second: 2026-11-23T07:32:48Z */
export function viewTime(at: number): string {
	return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
