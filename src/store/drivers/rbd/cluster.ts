/** A connection to one pool of a Ceph cluster, with limits on how long anything may take. */
import { ImageError } from '#domain/errors.ts';
import { type Calls, clusterCalls, RbdError } from './calls.ts';
import { loadNative, type Native, type Pointer, place } from './native.ts';

export interface ClusterOptions {
	/** path of ceph.conf; undefined: where librados looks for it */
	readonly confFile: string | undefined;
	/** without `client.`; undefined: admin */
	readonly user: string | undefined;
	readonly pool: string;
	/** for reaching a monitor, and for each of its answers; undefined: as ceph.conf says, else 30 */
	readonly connectSeconds: number | undefined;
}

export interface Cluster extends AsyncDisposable {
	readonly fsid: string;
	readonly pool: string;
	readonly calls: Calls;
	readonly native: Native;
	/** of the pool */
	readonly io: Pointer;
	/** of new images: rbd_default_features as ceph.conf says, else layering */
	readonly features: bigint;
	/** Asks an OSD something. */
	check(signal: AbortSignal): Promise<void>;
	/** Holds the connection open until the work is done: what must end before it is closed. */
	hold<T>(work: Promise<T>): Promise<T>;
}

const CONNECT_SECONDS = 30;
/** Longer than a cluster needs to notice that an OSD is gone and to go on without it. */
const OSD_SECONDS = 60;
const LAYERING = '1';
const PATIENCE_MS = 10_000;

/** `unavailable` while the cluster does not answer, `forbidden` when it does not know the user or the key. */
export async function connect(options: ClusterOptions): Promise<Cluster> {
	const native = await loadNative();
	const calls = clusterCalls(native);
	await using stack = new AsyncDisposableStack();
	const cluster = await createClient(calls, options, stack);
	setUp(native, cluster, options);
	const user = `client.${options.user ?? 'admin'}`;
	await explained({ ENOENT: ['store-failed', `there is no keyring with a key of ${user}`] }, () =>
		calls.wait(`the cluster, as ${user}`, () => native.slow.rados_connect(cluster)),
	);
	const io = await openPool(calls, cluster, options.pool);
	stack.defer(() => void native.quick.rados_ioctx_destroy(io));
	// a full pool answers instead of keeping everybody waiting until there is room
	native.quick.rados_set_osdmap_full_try(io);
	const held = new Set<Promise<unknown>>();
	const parts = stack.move();
	return {
		fsid: await fsidOf(calls, cluster),
		pool: options.pool,
		calls,
		native,
		io,
		features: BigInt(/^\d+$/.exec(configured(native, cluster, 'rbd_default_features'))?.[0] ?? LAYERING),
		async check(signal) {
			const ask = () => native.slow.rados_stat(io, 'rbd_directory', place(), place());
			try {
				await calls.wait(`pool ${options.pool}`, ask, { signal });
			} catch (error) {
				// a pool without images has no directory; it has answered all the same
				if (!(error instanceof RbdError && error.errno === 'ENOENT')) throw error;
			}
		},
		hold(work) {
			held.add(work);
			const leave = () => held.delete(work);
			work.then(leave, leave);
			return work;
		},
		async [Symbol.asyncDispose]() {
			// with images still open librados would fall: then the process keeps the connection until it ends
			if (await settled(held)) await parts.disposeAsync();
		},
	};
}

async function createClient(
	{ native, wait }: Calls,
	{ user, confFile }: ClusterOptions,
	stack: AsyncDisposableStack,
): Promise<Pointer> {
	const made = place();
	await wait('librados', () => native.slow.rados_create(made, user ?? null));
	const cluster = made.readBigUInt64LE();
	stack.defer(() => native.slow.rados_shutdown(cluster).then(() => undefined));
	await explained({ ENOENT: ['store-failed', 'there is no ceph.conf where it should be'] }, () =>
		wait('ceph.conf', () => native.slow.rados_conf_read_file(cluster, confFile ?? null), {
			codes: { EACCES: 'store-failed', EPERM: 'store-failed' },
		}),
	);
	return cluster;
}

/** Nothing may wait for ever: what ceph.conf leaves without an end gets one. */
function setUp(native: Native, cluster: Pointer, { connectSeconds }: ClusterOptions): void {
	const set = (name: string, value: string | number) => native.quick.rados_conf_set(cluster, name, String(value));
	const limit = (name: string, byDefault: number) => {
		if (!(Number(configured(native, cluster, name)) > 0)) set(name, byDefault);
	};
	if (connectSeconds !== undefined)
		for (const name of ['client_mount_timeout', 'rados_mon_op_timeout']) set(name, connectSeconds);
	else set('client_mount_timeout', CONNECT_SECONDS);
	limit('rados_mon_op_timeout', CONNECT_SECONDS);
	limit('rados_osd_op_timeout', OSD_SECONDS);
	// images are written and read once, in large pieces: a cache would only copy them
	set('rbd_cache', 'false');
}

async function openPool({ native, wait }: Calls, cluster: Pointer, pool: string): Promise<Pointer> {
	const made = place();
	await explained({ ENOENT: ['store-failed', `there is no pool ${pool}`] }, () =>
		wait(`pool ${pool}`, () => native.slow.rados_ioctx_create(cluster, pool, made)),
	);
	return made.readBigUInt64LE();
}

async function fsidOf({ native, wait }: Calls, cluster: Pointer): Promise<string> {
	const buffer = Buffer.alloc(64);
	await wait("the cluster's id", () => native.slow.rados_cluster_fsid(cluster, buffer, buffer.length));
	return textIn(buffer);
}

function configured(native: Native, cluster: Pointer, name: string): string {
	const buffer = Buffer.alloc(1024);
	return native.quick.rados_conf_get(cluster, name, buffer, buffer.length) < 0 ? '' : textIn(buffer);
}

function textIn(buffer: Buffer): string {
	return buffer.toString('utf8', 0, buffer.indexOf(0));
}

/** Says in words what an errno means here. */
async function explained(
	words: Readonly<Record<string, readonly [code: 'store-failed', message: string]>>,
	work: () => Promise<unknown>,
): Promise<void> {
	try {
		await work();
	} catch (error) {
		const known = error instanceof RbdError ? words[error.errno] : undefined;
		throw known === undefined ? error : new ImageError(known[0], known[1], { cause: error });
	}
}

/** Whether all of it has ended in good time. */
async function settled(held: ReadonlySet<Promise<unknown>>): Promise<boolean> {
	const late = Promise.withResolvers<boolean>();
	const timer = setTimeout(late.resolve, PATIENCE_MS, false);
	const all = await Promise.race([Promise.allSettled(held).then(() => true), late.promise]);
	clearTimeout(timer);
	return all;
}
