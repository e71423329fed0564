/** The known word that a mistyped one was probably meant to be; undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
	const limit = Math.max(2, Math.floor(word.length / 3));
	const ranked = known.map((candidate) => ({ candidate, distance: editDistance(word, candidate) }));
	const [best] = ranked.sort((a, b) => a.distance - b.distance);
	return best !== undefined && best.distance <= limit ? best.candidate : undefined;
}

/** `; did you mean "listen"?`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
	const candidate = nearest(word, known);
	return candidate === undefined ? '' : `; did you mean "${candidate}"?`;
}

function editDistance(a: string, b: string): number {
	let row = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (let i = 1; i <= a.length; i++) {
		const next = [i];
		for (let j = 1; j <= b.length; j++) {
			const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
			next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, substitution));
		}
		row = next;
	}
	return row[b.length]!;
}
