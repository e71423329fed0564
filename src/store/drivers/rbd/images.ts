/** Images in Glance's own form: named by the key, read through a protected snapshot called `snap`. */
import { ImageError } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { GiB, MiB } from '#lib/sizes.ts';
import { RbdError, WRITING } from './calls.ts';
import type { Cluster } from './cluster.ts';
import { type Image, withImage } from './image.ts';
import type { RbdPlace } from './location.ts';
import { fill } from './transfer.ts';

export const SNAPSHOT = 'snap';

/** of an image whose length nobody knows: it is made longer by so much, then twice that, and so on */
const FIRST_STEP_BYTES = 8 * MiB;
const LONGEST_STEP_BYTES = 8 * GiB;

/** `conflict` when there is one of that name. */
export async function createImage(
	{ calls, native, io, features }: Cluster,
	name: string,
	{ bytes, order }: { readonly bytes: number; readonly order: number },
	signal: AbortSignal,
): Promise<void> {
	const itsOrder = Buffer.alloc(4);
	itsOrder.writeInt32LE(order);
	const create = () => native.slow.rbd_create3(io, name, bytes, features, itsOrder, 0, 0);
	await calls.wait(`image ${name}`, create, { codes: WRITING, signal });
}

/** Fills a new image and makes its snapshot. Resolves to its length. */
export function fillImage(
	cluster: Cluster,
	name: string,
	source: ObjectSource,
	{ thin, signal }: { readonly thin: boolean; readonly signal: AbortSignal },
): Promise<number> {
	return withImage(cluster, name, { mode: 'write' }, async (image) => {
		const bytes = await fill(source, sinkOf(image, source.size, { thin, signal }), signal);
		await image.flush();
		if (source.size === undefined) await image.resize(bytes, signal);
		await image.protectAs(SNAPSHOT, signal);
		return bytes;
	});
}

function sinkOf(
	image: Image,
	size: number | undefined,
	{ thin, signal }: { readonly thin: boolean; readonly signal: AbortSignal },
) {
	const { write } = image;
	if (size !== undefined) return { write, room: size, skipZeros: thin };
	let step = FIRST_STEP_BYTES;
	let room = 0;
	return {
		write,
		room,
		skipZeros: thin,
		async grow(end: number) {
			for (; room < end; step = Math.min(step * 2, LONGEST_STEP_BYTES)) room += step;
			await image.resize(room, signal);
			return room;
		},
	};
}

/** As Glance removes one: the snapshot first; an image with other snapshots goes to the trash. */
export async function removeImage(cluster: Cluster, { image: name, snapshot }: RbdPlace): Promise<void> {
	if (snapshot !== undefined)
		await withImage(cluster, name, { mode: 'write' }, async (image) => {
			// neither is an obstacle: a removal that was interrupted is gone on with
			await unless(['EINVAL', 'ENOENT'], inUse(name, image.unprotect(snapshot)));
			await unless(['ENOENT'], inUse(name, image.removeSnapshot(snapshot)));
		});
	const { calls, native, io } = cluster;
	const what = `image ${name}`;
	try {
		await inUse(
			name,
			calls.waitLong(what, () => native.slow.rbd_remove(io, name), WRITING),
		);
	} catch (error) {
		if (!(error instanceof RbdError && error.errno === 'ENOTEMPTY')) throw error;
		await inUse(
			name,
			calls.wait(what, () => native.slow.rbd_trash_move(io, name, 0), { codes: WRITING }),
		);
	}
}

/** Takes away what an upload has left; what is not certainly ours, only when it is not whole. */
export async function discardImage(cluster: Cluster, name: string, ours: boolean): Promise<void> {
	await unless(
		['ENOENT'],
		(async () => {
			if (!ours && (await isWhole(cluster, name))) return;
			await removeImage(cluster, { image: name, snapshot: SNAPSHOT });
		})(),
	);
}

function isWhole(cluster: Cluster, name: string): Promise<boolean> {
	return withImage(cluster, name, { mode: 'read' }, (image) =>
		image.isProtected(SNAPSHOT).catch((error: unknown) => {
			if (error instanceof RbdError && error.errno === 'ENOENT') return false;
			throw error;
		}),
	);
}

async function unless(errnos: readonly string[], work: Promise<unknown>): Promise<void> {
	try {
		await work;
	} catch (error) {
		if (!(error instanceof RbdError && errnos.includes(error.errno))) throw error;
	}
}

async function inUse<T>(name: string, work: Promise<T>): Promise<T> {
	try {
		return await work;
	} catch (error) {
		if (!(error instanceof RbdError && error.errno === 'EBUSY')) throw error;
		throw new ImageError('conflict', `image ${name} is in use`, { cause: error });
	}
}
