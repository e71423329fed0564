import { orLeft } from '#lib/or-left.ts';

/**
 * Answers that are never older than the question, and still one question at a time: who comes while it is being asked
 * cannot know whether the answer was made before, and waits, with all others who came since, for it to be asked again.
 * A caller whose signal fires leaves with its reason; the asking must end by a deadline of its own.
 */
export type FreshAnswers<T> = (key: string, signal: AbortSignal, ask: () => Promise<T>) => Promise<T>;

interface Asking<T> {
	readonly now: Promise<T>;
	next: Promise<T> | undefined;
}

export function freshAnswers<T>(): FreshAnswers<T> {
	const askings = new Map<string, Asking<T>>();

	function begin(key: string, ask: () => Promise<T>): Promise<T> {
		const now = ask().finally(() => {
			if (asking.next === undefined) askings.delete(key);
		});
		const asking: Asking<T> = { now, next: undefined };
		askings.set(key, asking);
		// everybody may have left before it fails
		now.catch(() => undefined);
		return now;
	}

	return (key, signal, ask) => {
		const asking = askings.get(key);
		if (asking === undefined) return orLeft(begin(key, ask), signal);
		const again = () => begin(key, ask);
		asking.next ??= asking.now.then(again, again);
		asking.next.catch(() => undefined);
		return orLeft(asking.next, signal);
	};
}
