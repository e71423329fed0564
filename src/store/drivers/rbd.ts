/**
 * Images in a pool of Ceph, in Glance's own form: an RBD image named by the image's id with a protected snapshot `snap`,
 * which Nova and Cinder clone. Data move by librbd, loaded when the first such store is opened.
 */
import { ImageError } from '#domain/errors.ts';
import { MiB } from '#lib/sizes.ts';
import type { DriverKind, DriverManifest, DriverSurroundings, StoreDriver } from '../driver.ts';
import { count, flag, maybeText, parseOptions, type StoreOptions, text } from '../options.ts';
import { hasTexts, openHalfMade } from './half-made.ts';
import { RbdError } from './rbd/calls.ts';
import { type ClusterOptions, connect } from './rbd/cluster.ts';
import { readImage, withImage } from './rbd/image.ts';
import { createImage, discardImage, fillImage, removeImage, SNAPSHOT } from './rbd/images.ts';
import { locationOf, placeOf } from './rbd/location.ts';
import { lastingConnection } from './rbd/reconnect.ts';
import { readAhead } from './rbd/transfer.ts';

const manifest: DriverManifest = {
	type: 'rbd',
	schemes: ['rbd'],
	writable: true,
	ranged: true,
	removable: true,
	adoptsFiles: false,
};

/** The largest object that librbd makes. */
const MAX_CHUNK_MIB = 32;

const OPTIONS = {
	rbd_store_chunk_size: count(8, { min: 1, max: MAX_CHUNK_MIB }),
	rbd_store_pool: text('images'),
	rbd_store_user: maybeText,
	rbd_store_ceph_conf: maybeText,
	rados_connect_timeout: count(-1, { min: -1, max: 86_400 }),
	rbd_thin_provisioning: flag(false),
};

export const rbd: DriverKind = {
	manifest,
	check: (options) => void parseOptions(OPTIONS, options),
	open: (options, around) => openRbd(settingsOf(options), around),
	properties(options) {
		const { rbd_store_chunk_size, rbd_store_pool, rbd_thin_provisioning } = parseOptions(OPTIONS, options);
		return { chunk_size: rbd_store_chunk_size * MiB, pool: rbd_store_pool, thin_provisioning: rbd_thin_provisioning };
	},
};

interface RbdSettings extends ClusterOptions {
	/** objects have 2^order bytes */
	readonly order: number;
	/** pieces of zeros are not written */
	readonly thin: boolean;
}

function settingsOf(options: StoreOptions): RbdSettings {
	const said = parseOptions(OPTIONS, options);
	return {
		confFile: said.rbd_store_ceph_conf,
		user: said.rbd_store_user,
		pool: said.rbd_store_pool,
		connectSeconds: said.rados_connect_timeout > 0 ? said.rados_connect_timeout : undefined,
		order: Math.floor(Math.log2(said.rbd_store_chunk_size * MiB)),
		thin: said.rbd_thin_provisioning,
	};
}

const KEY = /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/;

/** Known of it: whether this store has certainly made it, and whole or not it goes. */
interface Upload {
	readonly image: string;
}

function isUpload(content: unknown): content is Upload {
	return hasTexts(content, 'image') && KEY.test(content.image);
}

async function openRbd(settings: RbdSettings, { log, workDir }: DriverSurroundings): Promise<StoreDriver> {
	await using stack = new AsyncDisposableStack();
	const clusters = stack.use(await lastingConnection(() => connect(settings)));
	const home = { fsid: clusters.first.fsid, pool: settings.pool };
	const halfMade = stack.use(
		await openHalfMade<Upload, boolean>({
			dir: workDir,
			isWhat: isUpload,
			takeAway: ({ image }, ours = false) => clusters.use((cluster) => discardImage(cluster, image, ours)),
			log,
		}),
	);
	const parts = stack.move();

	return {
		manifest,
		async put(key, source, { signal }) {
			if (!KEY.test(key)) throw new ImageError('invalid', 'object keys are image ids');
			await halfMade.settle(({ image }) => image === key);
			const note = await halfMade.begin({ image: key });
			let ours = false;
			try {
				const size = await clusters.use(async (cluster) => {
					await createImage(cluster, key, { bytes: source.size ?? 0, order: settings.order }, signal);
					ours = true;
					return fillImage(cluster, key, source, { thin: settings.thin, signal });
				});
				await note.end();
				return { location: locationOf(home, key, SNAPSHOT), how: 'copy', size };
			} catch (error) {
				await (isAnothers(error) ? note.end() : note.undo(ours));
				throw error;
			}
		},
		async *get(location, range, { signal }) {
			const { image: name, snapshot } = placeOf(home, location);
			const cluster = await clusters.current();
			yield* readImage(
				cluster,
				name,
				{ snapshot },
				{
					signal,
					async *read(image) {
						const whole = range === 'whole' ? { start: 0, end: await image.size() } : range;
						yield* readAhead(image.read, whole, signal);
					},
				},
			);
		},
		async stat(location) {
			const { image: name, snapshot } = placeOf(home, location);
			const size = await clusters.use((cluster) => withImage(cluster, name, { mode: 'read', snapshot }, (image) => image.size()));
			return { size };
		},
		async remove(location) {
			const place = placeOf(home, location);
			await clusters.use((cluster) => removeImage(cluster, place));
		},
		locate: (key) => locationOf(home, key, SNAPSHOT),
		check: ({ signal }) => clusters.use((cluster) => cluster.check(signal)),
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

/** The image of that name is not ours to take away. */
function isAnothers(error: unknown): boolean {
	return error instanceof RbdError && error.errno === 'EEXIST';
}
