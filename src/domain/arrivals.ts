/** Bytes on their way in are inspected, and checked against who signed them, in one pass. */
import type { Log } from '#lib/log.ts';
import type { RequestContext } from './context.ts';
import { type FormatRules, judge, judgeEarly } from './format-match.ts';
import type { Image } from './image.ts';
import type { Arrival, Arrivals } from './ports/arrivals.ts';
import type { Inspector } from './ports/inspection.ts';
import type { Signatures } from './ports/signatures.ts';

export interface ArrivalParts {
	createInspector(): Inspector;
	readonly rules: FormatRules;
	/** absent: nobody's signature is checked */
	readonly signatures?: Signatures;
	readonly log: Log;
}

export function buildArrivals({ createInspector, rules, signatures, log }: ArrivalParts): Arrivals {
	return {
		async begin(ctx: RequestContext, image: Image): Promise<Arrival> {
			const check = await signatures?.begin(image.properties, ctx);
			const inspector = image.containerFormat === 'bare' ? createInspector() : undefined;
			const look = (chunk: Uint8Array): void => {
				check?.feed(chunk);
				if (inspector === undefined) return;
				inspector.feed(chunk);
				judgeEarly(image, inspector.soFar(), rules);
			};
			return {
				through: (source) => (check === undefined && inspector === undefined ? source : looked(source, look)),
				async settle() {
					const judgement = inspector && judge(image, inspector.finish(), rules);
					if (judgement?.warning !== undefined) log.warn({ image: image.id }, judgement.warning);
					check?.verify();
					return { virtualSize: judgement?.virtualSize ?? null };
				},
			};
		},
	};
}

/** The source's own iterator, looked at: cheaper for each chunk than a generator around it. */
function looked(source: AsyncIterable<Uint8Array>, look: (chunk: Uint8Array) => void): AsyncIterable<Uint8Array> {
	return {
		[Symbol.asyncIterator]() {
			const chunks = source[Symbol.asyncIterator]();
			return {
				async next() {
					const result = await chunks.next();
					if (result.done !== true) look(result.value);
					return result;
				},
				async return() {
					await chunks.return?.();
					return { done: true, value: undefined };
				},
			};
		},
	};
}
