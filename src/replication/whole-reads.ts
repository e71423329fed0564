/**
 * Contents of which this node's stores give no ranges are read whole: once for all who want them at a time, and not block by
 * block. A read goes on for a while when nobody wants it any more, since whoever reads by small ranges comes again at once.
 */
import type { ContentStore } from '#content/ports.ts';
import { codeOf } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import type { Log } from '#lib/log.ts';
import { type OriginPlace, type Origins, sourceName } from './origins.ts';

export interface WholeReads {
	/** Reads it whole while it is wanted, if there is no better way; wanted until disposal. */
	want(content: ContentRef): Promise<Disposable>;
}

export interface WholeReadsOptions {
	readonly contents: Pick<ContentStore, 'presence' | 'takePassing'>;
	readonly origins: Pick<Origins, 'places' | 'onWholeOnly'>;
	hasHolders(root: string): Promise<boolean>;
	readonly log: Log;
	/** default 1 min */
	readonly keepOnMs?: number;
}

interface Wanted {
	readonly content: ContentRef;
	users: number;
	timer?: NodeJS.Timeout;
	/** of the read that is under way */
	reading?: AbortController;
}

const KEEP_ON_MS = 60_000;

export function createWholeReads(options: WholeReadsOptions): WholeReads {
	const { contents, origins, hasHolders, log, keepOnMs = KEEP_ON_MS } = options;
	const wanted = new Map<string, Wanted>();

	// a place turns out to give no ranges when the first one is asked for
	origins.onWholeOnly((root) => {
		const one = wanted.get(root);
		if (one !== undefined) void start(one);
	});

	const start = (one: Wanted) =>
		startIfNeeded(one).catch((err: unknown) => log.warn({ err, root: one.content.root }, 'a content cannot be read whole'));

	async function startIfNeeded(one: Wanted): Promise<void> {
		const { root } = one.content;
		const places = origins.places(root);
		if (places.length === 0 || places.some(({ ranged }) => ranged) || (await hasHolders(root))) return;
		if (one.reading !== undefined || one.users === 0 || contents.presence(root) === 'complete') return;
		const reading = new AbortController();
		one.reading = reading;
		void readFromOne(one.content, places, reading.signal).finally(() => {
			delete one.reading;
			if (one.users === 0) forget(one);
			// somebody came while it was being left
			else if (reading.signal.aborted) void start(one);
		});
	}

	/** Fails never: whoever waits for a block that does not come is told so by the content store. */
	async function readFromOne(content: ContentRef, places: readonly OriginPlace[], signal: AbortSignal): Promise<void> {
		for (const { store, location } of places) {
			const source = {
				name: sourceName(store),
				read: (inner: AbortSignal) => store.get(location.url, 'whole', { signal: inner }),
			};
			try {
				return await contents.takePassing(content, source, { signal });
			} catch (err) {
				if (signal.aborted || codeOf(err) === 'aborted') return;
				log.warn({ err, store: store.id, root: content.root }, 'a content could not be read whole from a store');
			}
		}
	}

	function forget(one: Wanted): void {
		clearTimeout(one.timer);
		if (wanted.get(one.content.root) === one) wanted.delete(one.content.root);
	}

	function leave(one: Wanted): void {
		one.users -= 1;
		if (one.users > 0) return;
		if (one.reading === undefined) forget(one);
		else one.timer = setTimeout(() => one.reading?.abort(), keepOnMs).unref();
	}

	return {
		async want(content) {
			const one = wanted.get(content.root) ?? { content, users: 0 };
			wanted.set(content.root, one);
			clearTimeout(one.timer);
			one.users += 1;
			let left = false;
			await start(one);
			return {
				[Symbol.dispose]() {
					if (!left) leave(one);
					left = true;
				},
			};
		},
	};
}
