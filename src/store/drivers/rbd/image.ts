/** One open image. */
import { ImageError } from '#domain/errors.ts';
import { WRITING } from './calls.ts';
import type { Cluster } from './cluster.ts';
import { type Pointer, place } from './native.ts';

export interface Image {
	/** bytes; of the snapshot when one is open */
	size(): Promise<number>;
	/** Fills the buffer, which is the image's until then. */
	read(offset: number, buffer: Uint8Array): Promise<void>;
	/** The buffer is the image's until it resolves. */
	write(offset: number, buffer: Uint8Array): Promise<void>;
	flush(): Promise<void>;
	resize(bytes: number, signal: AbortSignal): Promise<void>;
	/** Makes a snapshot that cannot be removed before it is unprotected. */
	protectAs(snapshot: string, signal: AbortSignal): Promise<void>;
	isProtected(snapshot: string): Promise<boolean>;
	unprotect(snapshot: string): Promise<void>;
	removeSnapshot(snapshot: string): Promise<void>;
	/** What was begun ends first; the cluster's limits bound it. */
	close(): Promise<void>;
}

export interface Opening {
	readonly mode: 'read' | 'write';
	/** absent: the image's head */
	readonly snapshot?: string | undefined;
}

/** The connection stays open until the image is closed. */
export async function openImage(cluster: Cluster, name: string, { mode, snapshot }: Opening): Promise<Image> {
	const { calls, native, io } = cluster;
	const { quick, slow } = native;
	const what = `image ${name}`;
	const codes = mode === 'write' ? WRITING : {};
	const open = mode === 'write' ? quick.rbd_aio_open : quick.rbd_aio_open_read_only;
	const opened = place();
	const closed = Promise.withResolvers<void>();
	void cluster.hold(closed.promise);
	try {
		await calls.io(what, opened, (completion) => open(io, name, opened, snapshot ?? null, completion), codes);
	} catch (error) {
		closed.resolve();
		throw error;
	}
	const image = opened.readBigUInt64LE();
	const begun = new Set<Promise<unknown>>();

	async function during(work: Promise<unknown>): Promise<void> {
		begun.add(work);
		try {
			await work;
		} finally {
			begun.delete(work);
		}
	}
	const wait = (call: () => Promise<number>, signal?: AbortSignal) =>
		during(calls.wait(what, call, { codes, ...(signal && { signal }) }));

	return {
		async size() {
			const answer = place();
			await wait(() => slow.rbd_get_size(image, answer));
			return Number(answer.readBigUInt64LE());
		},
		async read(offset, buffer) {
			const start = (completion: Pointer) => quick.rbd_aio_read(image, offset, buffer.length, buffer, completion);
			const reading = calls.io(what, buffer, start, codes);
			await during(reading);
			if ((await reading) < buffer.length) throw new ImageError('store-failed', `${what}: it ended before its end`);
		},
		write: (offset, buffer) =>
			during(calls.io(what, buffer, (done) => quick.rbd_aio_write(image, offset, buffer.length, buffer, done), codes)),
		flush: () => during(calls.io(what, undefined, (done) => quick.rbd_aio_flush(image, done), codes)),
		resize: (bytes, signal) => wait(() => slow.rbd_resize(image, bytes), signal),
		async protectAs(name, signal) {
			await wait(() => slow.rbd_snap_create(image, name), signal);
			await wait(() => slow.rbd_snap_protect(image, name), signal);
		},
		async isProtected(name) {
			const answer = Buffer.alloc(4);
			await wait(() => slow.rbd_snap_is_protected(image, name, answer));
			return answer.readInt32LE() === 1;
		},
		unprotect: (name) => wait(() => slow.rbd_snap_unprotect(image, name)),
		removeSnapshot: (name) => wait(() => slow.rbd_snap_remove(image, name)),
		async close() {
			await Promise.allSettled(begun);
			await calls.io(what, undefined, (done) => quick.rbd_aio_close(image, done), codes).finally(closed.resolve);
		},
	};
}

/** Works with an image and closes it, whatever came of the work. */
export async function withImage<T>(
	cluster: Cluster,
	name: string,
	opening: Opening,
	work: (image: Image) => Promise<T>,
): Promise<T> {
	const image = await openImage(cluster, name, opening);
	try {
		return await work(image);
	} finally {
		await image.close();
	}
}

/** Reads an image; who leaves by the signal need not wait for a cluster that may not answer: the image is closed behind his back. */
export async function* readImage(
	cluster: Cluster,
	name: string,
	opening: Omit<Opening, 'mode'>,
	{ signal, read }: { readonly signal: AbortSignal; readonly read: (image: Image) => AsyncIterable<Uint8Array> },
): AsyncGenerator<Uint8Array> {
	const image = await openImage(cluster, name, { ...opening, mode: 'read' });
	try {
		yield* read(image);
	} finally {
		// nothing was written, so that it matters to nobody how this ends
		const closing = image.close().catch(() => undefined);
		if (!signal.aborted) await closing;
	}
}
