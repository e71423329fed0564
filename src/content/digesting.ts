/** Re-reads a whole content: every block against the manifest, md5 and the image's own hash over all, in the hash threads. */
import { ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import { throwIfAborted } from './abort.ts';
import { same } from './digest-table.ts';
import { blockLength, digestAt } from './manifest.ts';
import type { ContentDigest, DigestOptions } from './ports.ts';
import type { Room } from './room.ts';
import { assertSame } from './sessions.ts';

/** Blocks read ahead of the hash threads. */
const AHEAD_BLOCKS = 8;

export async function digestContent(
	room: Room,
	content: ContentRef,
	{ hashAlgorithm, signal }: DigestOptions,
): Promise<ContentDigest> {
	await using held = room.index.record(content.root)?.state === 'complete' ? await room.shelf.hold(content.root) : undefined;
	if (held === undefined) throw new ImageError('not-found', `content ${content.root} is not whole here`);
	const stored = held.content;
	assertSame(content, stored.size);
	const digests = await stored.digests();
	using hashes = room.threads.openStream(hashAlgorithm);
	const slots = room.threads.fetchSlots();
	const underWay = new Set<Promise<void>>();
	let failure: unknown;
	let badBlock = Number.POSITIVE_INFINITY;

	try {
		for (let index = 0; index < stored.count && failure === undefined && badBlock === Number.POSITIVE_INFINITY; index++) {
			throwIfAborted(signal, 'hashing a content');
			while (underWay.size >= AHEAD_BLOCKS) await Promise.race(underWay);
			const slot = slots.tryTake() ?? (await slots.take(signal));
			const length = blockLength(stored.size, stored.blockSize, index);
			try {
				await room.blocks.read(stored, index * stored.blockSize, slot.bytes.subarray(0, length));
			} catch (error) {
				slots.give(slot);
				throw error;
			}
			const hashed = hashes.add(slot, length);
			const work = hashed.digest
				.then((digest) => {
					if (!same(digest, digestAt(digests, index))) badBlock = Math.min(badBlock, index);
				})
				.then(() => hashed.done)
				.catch((error: unknown) => {
					failure ??= error;
				})
				.finally(() => {
					slots.give(slot);
					underWay.delete(work);
				});
			underWay.add(work);
		}
	} finally {
		await Promise.all(underWay);
	}
	if (badBlock !== Number.POSITIVE_INFINITY)
		throw new ImageError('corrupt', `block ${badBlock} of content ${content.root} is not what the manifest says`);
	if (failure !== undefined) throw failure;
	return hashes.finish();
}
