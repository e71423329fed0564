/**
 * The same contents, where what is in a store of this node is read from there: by ranges, or whole where a place gives none,
 * when it is known what verifies the bytes; else whole, before the first reader gets any. Other nodes may ask for blocks that
 * are here in that way.
 */
import type { ContentStore, ShelfReader } from '#content/ports.ts';
import type { ByteRange } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import type { ReadOptions } from '#domain/ports/image-data.ts';
import type { Log } from '#lib/log.ts';
import { singleFlight } from '#lib/single-flight.ts';
import type { Origins } from './origins.ts';
import { createWholeReads } from './whole-reads.ts';

export interface ReadingOriginsOptions {
	readonly origins: Pick<Origins, 'open' | 'places' | 'onWholeOnly'>;
	/** Does another node hold it, and so what verifies it? */
	hasHolders(root: string): Promise<boolean>;
	readonly log: Log;
	/** How long a whole read goes on that nobody wants; default 1 min */
	readonly keepOnMs?: number;
}

const WHOLE_READ_MS = 24 * 3600_000;

export function readingOrigins(contents: ContentStore, options: ReadingOriginsOptions): ContentStore {
	const { origins, hasHolders, log } = options;
	const flights = singleFlight<void>();
	const wholeReads = createWholeReads({ contents, ...options });

	/** Whoever is about to read blocks of it wants it until disposal. */
	async function lookUp(content: ContentRef, range: ByteRange, signal: AbortSignal): Promise<Disposable | undefined> {
		const { root } = content;
		if (contents.presence(root) === 'complete') return undefined;
		await origins.open(root);
		if (origins.places(root).length === 0 || (await isHere(content, range))) return undefined;
		if (contents.presence(root) === 'none' && !(await hasHolders(root))) {
			await flights(root, signal, () => readWhole(content));
			return undefined;
		}
		return wholeReads.want(content);
	}

	async function isHere({ root, blockSize }: ContentRef, { start, end }: ByteRange): Promise<boolean> {
		await using reader = await contents.open(root);
		if (reader === undefined) return false;
		for (let index = Math.floor(start / blockSize); index * blockSize < end; index += 1) if (!reader.has(index)) return false;
		return true;
	}

	/** Nobody else may know what verifies the bytes: all of them are taken in, and must be those that were asked for. */
	async function readWhole(content: ContentRef): Promise<void> {
		const signal = AbortSignal.timeout(WHOLE_READ_MS);
		for (const { store, location } of origins.places(content.root)) {
			try {
				const options = { hashAlgorithm: 'sha256', maxBytes: content.size, declaredSize: content.size, signal };
				await using written = await contents.write(store.get(location.url, 'whole', { signal }), options);
				if (written.content.root === content.root) return;
				await contents.forget(written.content.root);
				throw new ImageError('corrupt', `store ${store.id} has other bytes than those of content ${content.root}`);
			} catch (error) {
				log.warn({ err: error, store: store.id, root: content.root }, 'a content could not be read from a store');
			}
		}
	}

	async function* read(content: ContentRef, range: ByteRange, options: ReadOptions) {
		using _ = await lookUp(content, range, options.signal);
		yield* contents.read(content, range, options);
	}

	return {
		...contents,
		read,
		async complete(content, options) {
			using _ = await lookUp(content, { start: 0, end: content.size }, options.signal);
			await contents.complete(content, options);
		},
		async open(root) {
			const reader = await contents.open(root);
			if (reader === undefined || contents.presence(root) === 'complete') return reader;
			await origins.open(root);
			return origins.places(root).length > 0 ? throughOrigin(reader, read) : reader;
		},
	};
}

/** Of every block that is not here it is asked where it lies: that is this node's own store, never another node. */
function throughOrigin(reader: ShelfReader, readFrom: ContentStore['read']): ShelfReader {
	const { content } = reader;
	return {
		content,
		has: () => true,
		async read(index, into) {
			const here = await reader.read(index, into);
			const start = index * content.blockSize;
			if (here > 0 || start >= content.size) return here;
			const range = { start, end: Math.min(content.size, start + content.blockSize) };
			let done = 0;
			for await (const chunk of readFrom(content, range, { signal: AbortSignal.timeout(ASKED_MS) })) {
				into.set(chunk, done);
				done += chunk.length;
			}
			return done;
		},
		[Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
	};
}

const ASKED_MS = 30_000;
