/** Content negotiation. RFC 9110 §12.5.1 */

/** How much a client that sent this Accept likes each type, from 0 to 1; the most exact range that covers a type counts. */
export function likings(accept: string): (type: string) => number {
	const weights = new Map(accept.toLowerCase().split(',').map(parseRange));
	return (type) => weights.get(type) ?? weights.get(`${type.split('/', 1)[0]}/*`) ?? weights.get('*/*') ?? 0;
}

/** The type liked best; of equals the first, and the first as well when none is liked at all or nothing was said. */
export function preferred<T extends string>(accept: string | undefined, types: readonly [T, ...T[]]): T {
	const liking = likings(accept ?? '*/*');
	return types.reduce((best, type) => (liking(type) > liking(best) ? type : best));
}

function parseRange(range: string): readonly [type: string, weight: number] {
	const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
	const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
	return [type, weight === undefined ? 1 : Number(weight) || 0];
}
