/** Fills a volume with an image: attached while it is written, made longer by a GiB at a time when nobody knows the length. */
import type { ObjectSource } from '#domain/ports/stores.ts';
import { GiB } from '#lib/sizes.ts';
import { openImage } from '#store/drivers/rbd/image.ts';
import { fill } from '#store/drivers/rbd/transfer.ts';
import type { Connections } from './connections.ts';
import type { Volumes } from './volumes.ts';

export interface WritingParts {
	readonly volumes: Volumes;
	readonly connections: Connections;
	/** for what must be done after an abort */
	readonly cleaningMs: number;
}

interface OpenVolume {
	write(offset: number, bytes: Uint8Array): Promise<void>;
	/** Durable, and detached, when it resolves. */
	close(): Promise<void>;
}

/** Resolves to the length. */
export async function writeVolume(
	parts: WritingParts,
	id: string,
	source: ObjectSource,
	gib: number,
	signal: AbortSignal,
): Promise<number> {
	let opened: OpenVolume | undefined = await openVolume(parts, id, signal);
	const close = async () => {
		const closing = opened;
		opened = undefined;
		await closing?.close();
	};
	const sink = {
		room: gib * GiB,
		// a new volume need not read as zeros
		skipZeros: false,
		async write(offset: number, bytes: Uint8Array) {
			if (opened === undefined) throw new Error('the volume is closed');
			await opened.write(offset, bytes);
		},
		async grow(end: number) {
			const needed = Math.ceil(end / GiB);
			await close();
			await parts.volumes.extend(id, needed, signal);
			opened = await openVolume(parts, id, signal);
			return needed * GiB;
		},
	};
	try {
		return await fill(source, sink, signal);
	} finally {
		await close();
	}
}

async function openVolume(
	{ volumes, connections, cleaningMs }: WritingParts,
	id: string,
	signal: AbortSignal,
): Promise<OpenVolume> {
	const attachment = await volumes.attach(id, 'rw', signal);
	const detach = () => volumes.detach(id, attachment.id, AbortSignal.timeout(cleaningMs));
	try {
		const { cluster, image: name } = await connections.current(attachment);
		const image = await openImage(cluster, name, { mode: 'write' });
		return {
			write: image.write,
			async close() {
				await image.flush().finally(image.close).finally(detach);
			},
		};
	} catch (error) {
		await detach().catch(() => undefined);
		throw error;
	}
}
