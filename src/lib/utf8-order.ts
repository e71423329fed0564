/**
 * Order of strings by their UTF-8 bytes, which is the order of their code points. JavaScript's own `<` compares UTF-16
 * units and puts U+E000–U+FFFF after the astral planes; engines that compare bytes do not.
 */
export function compareUtf8(a: string, b: string): number {
	const length = Math.min(a.length, b.length);
	for (let i = 0; i < length; i++) {
		const x = a.charCodeAt(i);
		const y = b.charCodeAt(i);
		if (x !== y) return rank(x) - rank(y);
	}
	return a.length - b.length;
}

/** Surrogates rank above every other unit: all astral code points are above the basic plane. */
function rank(unit: number): number {
	return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** The least string above every string that begins with `prefix`; undefined when there is none. */
export function afterPrefix(prefix: string): string | undefined {
	const points = Array.from(prefix, (char) => char.codePointAt(0) ?? 0);
	for (let last = points.pop(); last !== undefined; last = points.pop()) {
		if (last < 0x10ffff) return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
	}
	return undefined;
}
