/**
 * Images as volumes of Cinder, as Glance keeps them: one volume an image, read-only, its length in the metadata. Bytes move
 * by librbd where the volume's backend is Ceph; volumes that must be attached to the host in another way are refused.
 */
import { randomUUID } from 'node:crypto';
import { ImageError } from '#domain/errors.ts';
import { GiB } from '#lib/sizes.ts';
import type { DriverKind, DriverManifest, DriverSurroundings, StoreDriver } from '../driver.ts';
import { createConnections } from './cinder/connections.ts';
import { type Begun, createLeftovers, isRefusal, MARK, type Outcome } from './cinder/leftovers.ts';
import { createReaders } from './cinder/readers.ts';
import { createSession } from './cinder/session.ts';
import { type CinderSettings, propertiesOf, settingsOf } from './cinder/settings.ts';
import { createVolumes, UUID, type Volume } from './cinder/volumes.ts';
import { writeVolume } from './cinder/writing.ts';
import { openHalfMade } from './half-made.ts';
import { readImage } from './rbd/image.ts';
import { loadNative } from './rbd/native.ts';
import { readAhead } from './rbd/transfer.ts';

const manifest: DriverManifest = {
	type: 'cinder',
	schemes: ['cinder'],
	writable: true,
	ranged: true,
	removable: true,
	adoptsFiles: false,
};

export const cinder: DriverKind = {
	manifest,
	check: (options) => void settingsOf(options),
	open: (options, around) => openCinder(settingsOf(options), around),
	stallMs: (options) => settingsOf(options).transitionMs + BETWEEN_STEPS_MS,
	properties: propertiesOf,
};

/** What may pass in silence beside a change of a volume's state: it is attached, and an upload begins. */
const BETWEEN_STEPS_MS = 60_000;

async function openCinder(settings: CinderSettings, { store, log, signal, workDir }: DriverSurroundings): Promise<StoreDriver> {
	await loadNative();
	await using stack = new AsyncDisposableStack();
	const volumes = createVolumes(stack.use(createSession(settings)), settings);
	const connections = stack.use(createConnections(settings.cephConf));
	const cleaningMs = settings.transitionMs;
	await volumes.check(signal);
	const leftovers = createLeftovers(volumes);
	const halfMade = stack.use(await openHalfMade<Begun, Outcome>({ dir: workDir, ...leftovers, log, limitMs: cleaningMs }));
	const readers = createReaders(volumes, halfMade, cleaningMs);
	const parts = stack.move();
	const idIn = (location: string) => volumeIn(store, location);

	return {
		manifest,
		async put(key, source, call) {
			const mark = randomUUID();
			const note = await halfMade.begin({ mark });
			let outcome: Outcome;
			try {
				const gib = Math.max(1, Math.ceil((source.size ?? 0) / GiB));
				const metadata = (size: number | undefined) => ({
					glance_image_id: key,
					image_size: String(size ?? 0),
					image_owner: source.owner ?? '',
				});
				const draft = { name: `image-${key}`, size: gib, metadata: { ...metadata(source.size), [MARK]: mark } };
				const id = await volumes.create(draft, call.signal).catch((error: unknown) => {
					if (isRefusal(error, call.signal)) outcome = 'answered';
					throw error;
				});
				outcome = { volume: id };
				const location = `cinder://${store}/${id}`;
				await call.onPlace?.(location);
				await volumes.ready(id, call.signal);
				const size = await writeVolume({ volumes, connections, cleaningMs }, id, source, gib, call.signal);
				await volumes.makeReadOnly(id, call.signal);
				// the mark goes last: whoever finds it may take the volume away
				await volumes.setMetadata(id, metadata(size), call.signal);
				await note.end();
				return { location, how: 'copy', size };
			} catch (error) {
				await note.undo(outcome);
				throw error;
			}
		},
		async *get(location, range, call) {
			const id = idIn(location);
			const end = sizeOf(await volumes.show(id, call.signal));
			const wanted = range === 'whole' ? { start: 0, end } : { start: range.start, end: Math.min(range.end, end) };
			const attachment = await readers.enter(id, call.signal);
			try {
				const { cluster, image: name } = await connections.current(attachment);
				const read = (image: { readonly read: Parameters<typeof readAhead>[0] }) => readAhead(image.read, wanted, call.signal);
				yield* readImage(cluster, name, {}, { signal: call.signal, read });
			} finally {
				const left = readers.leave(id);
				if (!call.signal.aborted) await left;
			}
		},
		stat: async (location, call) => ({ size: sizeOf(await volumes.show(idIn(location), call.signal)) }),
		remove: async (location, call) => volumes.remove(idIn(location), call.signal),
		locate: () => undefined,
		check: (call) => volumes.check(call.signal),
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

/** `cinder://<store>/<volume>`, and `cinder://<volume>` of times with one store only. */
function volumeIn(store: string, location: string): string {
	const [, its, id = ''] = /^cinder:\/\/(?:([^/]+)\/)?([^/]+)$/.exec(location) ?? [];
	if (!UUID.test(id)) throw new ImageError('invalid', 'the location is none of a volume');
	if (its !== undefined && its !== store) throw new ImageError('invalid', 'the location is one of another store');
	return id;
}

/** bytes */
function sizeOf({ size, metadata, id }: Volume): number {
	const said = String(metadata.image_size ?? '');
	if (/^\d{1,15}$/.test(said)) return Number(said);
	if (!(size > 0)) throw new ImageError('store-failed', `volume ${id}: nobody knows its size`);
	return size * GiB;
}
