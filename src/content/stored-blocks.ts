/** What of a partial content need not be fetched, since its bytes are known or stored already. */
import { createBlockPlaces, isSharable, isZeroBlock, PLACES_PER_PAGE, range } from './block-places.ts';
import { change } from './content-index.ts';
import { createDigestTable } from './digest-table.ts';
import { HAVE } from './layout.ts';
import { digestAt } from './manifest.ts';
import type { BlockDigests } from './ports.ts';
import type { Room } from './room.ts';
import type { StoredContent } from './stored-content.ts';

/** Marks blocks of zeros, and blocks kept by other contents, as present; whom it depends on is durable before. */
export async function findStored(room: Room, content: StoredContent, digests: BlockDigests): Promise<void> {
	await using places = createBlockPlaces(room.index, room.shelf);
	const { have, root, size, blockSize, count } = content;
	if (have === undefined) return;
	const stored = { root, size, blockSize, digests, have };
	const depended = new Set(await room.index.keepers(root));
	for (let first = 0; first < count; first += PLACES_PER_PAGE) {
		const absent = range(first, Math.min(count, first + PLACES_PER_PAGE)).filter((index) => have[index] === HAVE.absent);
		for (const index of absent) if (isZeroBlock(stored, index)) have[index] = HAVE.arrived;
		const others = room.shareBlocks ? absent.filter((index) => isSharable(stored, index)) : [];
		const found = others.length > 0 ? await places.findAll(others.map((index) => digestAt(digests, index))) : [];
		const keepers = new Set(
			found.flatMap((place) => (place === undefined || place.root === root || depended.has(place.root) ? [] : [place.root])),
		);
		if (keepers.size > 0) await room.index.write([...keepers].flatMap((keeper) => change.dependence(root, keeper)));
		for (const keeper of keepers) depended.add(keeper);
		for (const [at, index] of others.entries()) if (found[at] !== undefined) have[index] = HAVE.elsewhere;
		await new Promise(setImmediate);
	}
}

/** Missing blocks that equal another block of the content, by number: the first of them is fetched for all. */
export async function findTwins(room: Room, content: StoredContent, digests: BlockDigests): Promise<Map<number, number>> {
	const twins = new Map<number, number>();
	const table = createDigestTable(() => digests);
	const { have, count } = content;
	if (have === undefined) return twins;
	// Where blocks are shared, those that are here come first: a missing block is then the twin of one that is.
	for (const wanted of room.shareBlocks ? [true, false] : [false]) {
		for (let index = 0; index < count; index++) {
			if ((have[index] === HAVE.here || have[index] === HAVE.arrived) !== wanted || have[index] === HAVE.elsewhere) continue;
			const first = table.find(digestAt(digests, index));
			if (first === undefined) table.add(index);
			else if (!wanted) twins.set(index, first);
			if (index % (4 * PLACES_PER_PAGE) === 0) await new Promise(setImmediate);
		}
	}
	return twins;
}
