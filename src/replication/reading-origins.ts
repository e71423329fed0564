/**
 * The same contents, where what is in a store of this node is read from there: by ranges when it is known what verifies
 * them, else whole, once. Other nodes may ask for blocks that are here in that way.
 */
import type { ContentStore, ShelfReader } from '#content/ports.ts';
import type { ByteRange } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import type { Log } from '#lib/log.ts';
import { singleFlight } from '#lib/single-flight.ts';
import type { Origins } from './origins.ts';

export interface ReadingOriginsOptions {
	readonly origins: Pick<Origins, 'open' | 'places'>;
	/** Does another node hold it, and so what verifies it? */
	hasHolders(root: string): Promise<boolean>;
	readonly log: Log;
}

const WHOLE_READ_MS = 24 * 3600_000;

export function readingOrigins(contents: ContentStore, { origins, hasHolders, log }: ReadingOriginsOptions): ContentStore {
	const flights = singleFlight<void>();

	async function lookUp(content: ContentRef, signal: AbortSignal): Promise<void> {
		const presence = contents.presence(content.root);
		if (presence === 'complete') return;
		await origins.open(content.root);
		const places = origins.places(content.root);
		const byRanges = places.some(({ store }) => store.ranged);
		if (places.length === 0 || (presence === 'partial' && byRanges) || (await hasHolders(content.root))) return;
		await flights(content.root, signal, () => readWhole(content));
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

	return {
		...contents,
		async *read(content: ContentRef, range: ByteRange, options: { readonly signal: AbortSignal }) {
			await lookUp(content, options.signal);
			yield* contents.read(content, range, options);
		},
		async complete(content, options) {
			await lookUp(content, options.signal);
			await contents.complete(content, options);
		},
		async open(root) {
			const reader = await contents.open(root);
			if (reader === undefined || contents.presence(root) === 'complete') return reader;
			await origins.open(root);
			return origins.places(root).some(({ store }) => store.ranged) ? throughOrigin(reader, contents) : reader;
		},
	};
}

/** Of every block that is not here it is asked where it lies: that is this node's own store, never another node. */
function throughOrigin(reader: ShelfReader, contents: Pick<ContentStore, 'read'>): ShelfReader {
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
			for await (const chunk of contents.read(content, range, { signal: AbortSignal.timeout(ASKED_MS) })) {
				into.set(chunk, done);
				done += chunk.length;
			}
			return done;
		},
		[Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
	};
}

const ASKED_MS = 30_000;
