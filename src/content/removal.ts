/**
 * Takes contents away. Blocks that other contents depend on move to one of those first: copied and durable there,
 * then said so, and only then is anything taken. docs/content-format.md §7
 */
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import type { KeyChange } from '#lib/key-value.ts';
import { PLACES_PER_PAGE, range } from './block-places.ts';
import { type ContentRecord, change } from './content-index.ts';
import { errnoOf } from './disk.ts';
import { DIRECTORY_MODE, FILE_KINDS, FINISHED_MODE, HAVE, readBlockList, WRITABLE_MODE } from './layout.ts';
import { blockLength, digestAt } from './manifest.ts';
import type { Room } from './room.ts';
import type { StoredContent } from './stored-content.ts';

const SECTOR_BYTES = 512;

/**
 * Removes a content that nobody holds; the caller holds `room.publishing`. Undefined when somebody does, else the
 * bytes of disk given back.
 */
export async function removeContent(room: Room, root: string): Promise<number | undefined> {
	let bytes = 0;
	const removed = await room.shelf.withoutReaders(root, async () => {
		bytes = await diskBytes(room, root);
		const dependents = await room.index.dependents(root);
		for (const dependent of dependents) await handOver(room, root, dependent);
		const keepers = await room.index.keepers(root);
		await room.index.write([
			change.noRecord(root),
			...dependents.flatMap((dependent) => change.noDependence(dependent, root)),
			...keepers.flatMap((keeper) => change.noDependence(root, keeper)),
		]);
		await forgetPlaces(room, root);
		// The data first: what is left of an interrupted removal is small and swept later.
		for (const kind of FILE_KINDS) await rm(room.layout.path(root, kind), { force: true });
	});
	return removed ? bytes : undefined;
}

/**
 * Puts the files of a damaged content aside, where an operator may look at them, and forgets the content: it can then
 * be fetched or uploaded again. Blocks that others had from it are lost with it. False while somebody has it open.
 */
export function quarantineContent(room: Room, root: string): Promise<boolean> {
	return room.publishing(() =>
		room.shelf.withoutReaders(root, async () => {
			const [dependents, keepers] = [await room.index.dependents(root), await room.index.keepers(root)];
			await forgetPlaces(room, root);
			await room.index.write([
				change.noRecord(root),
				...dependents.flatMap((dependent) => change.noDependence(dependent, root)),
				...keepers.flatMap((keeper) => change.noDependence(root, keeper)),
			]);
			await mkdir(room.layout.quarantine, { recursive: true, mode: DIRECTORY_MODE });
			for (const kind of FILE_KINDS)
				await rename(room.layout.path(root, kind), room.layout.aside(root, kind)).catch(ignoreMissing);
		}),
	);
}

function ignoreMissing(error: unknown): void {
	if (errnoOf(error) !== 'ENOENT') throw error;
}

/** Moves the blocks that `dependent` has from `root` into the dependent's own file. */
async function handOver(room: Room, root: string, dependent: string): Promise<void> {
	await using held = await room.shelf.hold(dependent);
	if (held === undefined) return;
	const { content } = held;
	const record = room.index.record(dependent);
	if (content.have === undefined || record === undefined) return;
	await using from = await open(room.layout.path(root, 'data'), 'r');
	await using into = await openWritable(room, dependent);
	const digests = await content.digests();
	const moved: number[] = [];
	const movedDigests = new Set<string>();
	const others = new Set<string>();
	const changes: KeyChange[] = [];
	const buffer = Buffer.allocUnsafeSlow(content.blockSize);
	for (let first = 0; first < content.count; first += PLACES_PER_PAGE) {
		const blocks = range(first, Math.min(content.count, first + PLACES_PER_PAGE)).filter(
			(index) => content.have?.[index] === HAVE.elsewhere,
		);
		const places = await room.index.places(blocks.map((index) => digestAt(digests, index)));
		for (const [at, index] of blocks.entries()) {
			const place = places[at];
			if (place === undefined || place.root === dependent) continue;
			if (place.root !== root) {
				others.add(place.root);
				continue;
			}
			const key = Buffer.from(digestAt(digests, index)).toString('hex');
			// An equal block that has just moved: this one is then kept by the dependent itself.
			if (movedDigests.has(key)) continue;
			movedDigests.add(key);
			const bytes = buffer.subarray(0, blockLength(content.size, content.blockSize, index));
			await copyBlock(room, from, place.index * content.blockSize, into, index * content.blockSize, bytes);
			moved.push(index);
			changes.push(change.place(digestAt(digests, index), { root: dependent, index }));
		}
	}
	await room.disk.sync(into);
	await markMoved(room, content, moved);
	const whole = record.state === 'complete' && content.have.indexOf(HAVE.elsewhere) === -1;
	const kept: ContentRecord = { ...record, plain: whole };
	await room.index.write([
		...changes,
		...[...others].flatMap((other) => change.dependence(dependent, other)),
		change.record(dependent, kept),
	]);
	await into.chmod(record.state === 'complete' ? FINISHED_MODE : WRITABLE_MODE);
	if (!whole) return;
	content.have = undefined;
	await rm(room.layout.path(dependent, 'have'), { force: true });
}

async function copyBlock(
	room: Room,
	from: FileHandle,
	fromPosition: number,
	into: FileHandle,
	position: number,
	buffer: Uint8Array,
): Promise<void> {
	let done = 0;
	while (done < buffer.length) {
		const { bytesRead } = await from.read(buffer, done, buffer.length - done, fromPosition + done);
		if (bytesRead === 0) throw new RangeError('a block ends before its length');
		done += bytesRead;
	}
	await room.disk.write(into, buffer, position);
}

async function openWritable(room: Room, root: string): Promise<FileHandle> {
	const path = room.layout.path(root, 'data');
	// Only a file that lacks blocks is ever written again, and such a one is linked nowhere else.
	await using reading = await open(path, 'r');
	await reading.chmod(WRITABLE_MODE);
	return open(path, 'r+');
}

async function markMoved(room: Room, content: StoredContent, moved: readonly number[]): Promise<void> {
	const { have } = content;
	if (have === undefined || moved.length === 0) return;
	for (const index of moved) have[index] = HAVE.here;
	await using file = await open(room.layout.path(content.root, 'have'), 'r+');
	const marks = have.map((state) => (state === HAVE.arrived ? HAVE.absent : state));
	await room.disk.write(file, marks, 0);
	await room.disk.sync(file);
}

/** Index entries that name the removed content. Those left by a crash are recognised as stale, and swept. */
async function forgetPlaces(room: Room, root: string): Promise<void> {
	const list = await readBlockList(room.layout, root).catch(() => undefined);
	if (list === undefined) return;
	const count = list.digests.length / 32;
	for (let first = 0; first < count; first += PLACES_PER_PAGE) {
		const digests = range(first, Math.min(count, first + PLACES_PER_PAGE)).map((index) => digestAt(list.digests, index));
		const places = await room.index.places(digests);
		const stale = digests.filter((_, at) => places[at]?.root === root);
		if (stale.length > 0)
			await room.index.write(
				stale.map((digest) => change.noPlace(digest)),
				{ sync: false },
			);
	}
}

async function diskBytes(room: Room, root: string): Promise<number> {
	let bytes = 0;
	for (const kind of FILE_KINDS) {
		const found = await stat(room.layout.path(root, kind)).catch(() => undefined);
		// A file with another name somewhere gives nothing back.
		if (found !== undefined && found.nlink === 1) bytes += found.blocks * SECTOR_BYTES;
	}
	return bytes;
}
