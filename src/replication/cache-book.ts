/**
 * What the cache knows: which images are entries and how they are used, and which wait to be fetched. All of it is in
 * memory; use is written down now and then, since it only decides who goes first, and the waiting line at once.
 *
 * `e/<id>`   an entry; JSON {@link Entry}
 * `q/<id>`   in line; JSON: since when
 */
import type { Image, ImageId } from '#domain/image.ts';
import type { CachedImage } from '#domain/ports/image-cache.ts';
import type { KeyChange, KeyValue } from '#lib/key-value.ts';
import type { Log } from '#lib/log.ts';

export interface Entry extends CachedImage {
	readonly root: string;
}

export interface CacheBook extends AsyncDisposable {
	/** by id */
	entries(): readonly Entry[];
	entry(id: ImageId): Entry | undefined;
	/** A new entry, or one more hit of one that is there. */
	use(image: Image): void;
	/**
	 * Who stood in line is an entry, and leaves the line a moment later, when that is written down: whatever happens
	 * before, the next process finds it in one of the two.
	 */
	arrive(image: Image): void;
	/** Durable when it resolves. */
	remove(ids: readonly ImageId[]): Promise<void>;
	/** in the order of coming */
	line(): readonly ImageId[];
	/** UTC milliseconds; undefined: not in line */
	inLineSince(id: ImageId): number | undefined;
	/** Durable when it resolves. */
	lineUp(id: ImageId): Promise<void>;
	/** Durable when it resolves. How many were in line. */
	leaveLine(ids: readonly ImageId[]): Promise<number>;
}

export interface CacheBookOptions {
	readonly kv: KeyValue;
	/** UTC milliseconds */
	readonly clock: () => number;
	readonly log: Log;
	readonly flushMs?: number;
}

const FLUSH_MS = 5000;
/** Clients list the line to see what they have just put into it; with Glance they do. */
const STAY_MS = 500;

export async function openCacheBook({ kv, clock, log, flushMs = FLUSH_MS }: CacheBookOptions): Promise<CacheBook> {
	const entries = new Map<ImageId, Entry>();
	for await (const [id, entry] of readAll<Entry>(kv, 'e/')) entries.set(id, entry);
	const waiting: (readonly [id: ImageId, since: number])[] = [];
	for await (const [id, since] of readAll<number>(kv, 'q/')) waiting.push([id, since]);
	const line = new Map(waiting.sort(([, a], [, b]) => a - b));
	const changed = new Set<ImageId>();
	/** id → when, by the clock of `performance` */
	const arrived = new Map<ImageId, number>();
	let timer: NodeJS.Timeout | undefined;
	let due = Number.POSITIVE_INFINITY;
	let closed = false;

	/** In so long at the latest. */
	function flushIn(ms: number): void {
		if (closed || due <= performance.now() + ms) return;
		due = performance.now() + ms;
		clearTimeout(timer);
		timer = setTimeout(() => void flush(), ms).unref();
	}
	function note(entry: Entry): void {
		entries.set(entry.id, entry);
		changed.add(entry.id);
		flushIn(flushMs);
	}

	async function flush(): Promise<void> {
		due = Number.POSITIVE_INFINITY;
		const leaving = [...arrived].filter(([, at]) => closed || at + STAY_MS <= performance.now()).map(([id]) => id);
		if (leaving.length < arrived.size) flushIn(STAY_MS);
		const notes = [...changed].flatMap((id) => entries.get(id) ?? []);
		if (notes.length + leaving.length === 0) return;
		try {
			await kv.write([...notes.map((entry) => put(`e/${entry.id}`, entry)), ...deletions('q/', leaving)], { sync: false });
			for (const entry of notes) if (entries.get(entry.id) === entry) changed.delete(entry.id);
			for (const id of leaving) if (arrived.delete(id)) line.delete(id);
		} catch (error) {
			log.warn({ err: error }, 'the book of the cache could not be written');
			flushIn(flushMs);
		}
	}

	function use({ id, content }: Image): void {
		const at = clock();
		const known = entries.get(id);
		if (known !== undefined) note({ ...known, hits: known.hits + 1, lastAccessed: at });
		else if (content !== null) note({ id, root: content.root, size: content.size, hits: 0, lastAccessed: at, lastModified: at });
	}

	return {
		entries: () => [...entries.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
		entry: (id) => entries.get(id),
		use,
		arrive(image) {
			if (!entries.has(image.id)) use(image);
			if (!arrived.has(image.id)) arrived.set(image.id, performance.now());
			flushIn(STAY_MS);
		},
		async remove(ids) {
			for (const id of ids) {
				entries.delete(id);
				changed.delete(id);
			}
			if (ids.length > 0) await kv.write(deletions('e/', ids), { sync: true });
		},
		line: () => [...line.keys()],
		inLineSince: (id) => line.get(id),
		async lineUp(id) {
			// strictly growing, so that the order can be read back
			const since = Math.max(clock(), ...[...line.values()].slice(-1).map((last) => last + 1));
			line.set(id, since);
			await kv.write([put(`q/${id}`, since)], { sync: true });
		},
		async leaveLine(ids) {
			for (const id of ids) arrived.delete(id);
			const left = ids.filter((id) => line.delete(id));
			if (left.length > 0) await kv.write(deletions('q/', left), { sync: true });
			return left.length;
		},
		async [Symbol.asyncDispose]() {
			closed = true;
			clearTimeout(timer);
			await flush();
		},
	};
}

async function* readAll<T>(kv: KeyValue, prefix: string): AsyncGenerator<readonly [id: ImageId, value: T]> {
	for await (const [key, value] of kv.entries({ gt: prefix, lt: `${prefix}~` }))
		yield [key.slice(prefix.length), JSON.parse(Buffer.from(value).toString('utf8')) as T];
}

function put(key: string, value: unknown): KeyChange {
	return { put: key, value: Buffer.from(JSON.stringify(value)) };
}

function deletions(prefix: string, ids: readonly ImageId[]): KeyChange[] {
	return ids.map((id) => ({ del: `${prefix}${id}` }));
}
