/** What stores are measured on: real servers on loopback, each with the tool that its makers give to put a file there. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { StoreOptions } from '#store/options.ts';
import { lacking } from '../../test/support/host-tools.ts';
import { CEPH, type MaybeServer, SWIFT, startServer } from '../../test/support/real-servers.ts';

const execute = promisify(execFile);

export interface Backend {
	/** Glance's type name */
	readonly type: string;
	readonly options: StoreOptions;
	readonly tool: Tool;
}

/** Commands with their arguments. A `place` is a name that nothing else has. */
export interface Tool {
	readonly name: string;
	/** how fast a store must be at least, of the tool; below 1 where the tool hashes nothing and copies in the kernel or in C++ */
	readonly leastRatio: number;
	readonly env: NodeJS.ProcessEnv;
	put(file: string, place: string): Words;
	get(place: string, file: string): Words;
	remove(place: string): Words;
	/**
	 * Whether what is got goes into the file: where the disk is the store. Else both sides throw it away, since the pages of
	 * a file may cost more than the transfer, and not the same each time.
	 */
	readonly getsFiles: boolean;
}

type Words = readonly [string, ...string[]];

const thrownAway = (words: Words): Words => ['bash', '-c', 'exec "$0" "$@" > /dev/null', ...words];
const inTurn = (...all: readonly Words[]): Words => ['bash', '-c', all.map((words) => words.join(' ')).join(' && ')];

export interface Backends extends AsyncDisposable {
	readonly all: readonly Backend[];
	/** those that cannot be had: the type and why */
	readonly missing: readonly (readonly [type: string, why: string])[];
}

/** The system's own tools, not what a developer has put before them. */
const SYSTEM: NodeJS.ProcessEnv = { ...process.env, PATH: `/usr/bin:/bin:${process.env.PATH ?? ''}` };

/** Ceph and Swift start together; what is missing is left out. */
export async function openBackends(dir: string): Promise<Backends> {
	const stack = new AsyncDisposableStack();
	const [ceph, swift] = await Promise.all([
		startServer({ ...CEPH, env: { CEPH_OSD_SIZE: '40G' } }, { own: true }),
		startServer({ ...SWIFT, env: {} }, { own: true }),
	]);
	for (const server of [ceph, swift]) if (server.missing === false) stack.use(server);
	stack.use(endingBySignal(stack));
	const folder = join(dir, 'file-store');
	await mkdir(folder);
	const found: (readonly [type: string, Backend | string])[] = [
		['file', fileBackend(folder)],
		['s3', await on(ceph, 'aws', s3Backend)],
		['swift', await on(swift, 'swift', swiftBackend)],
		['rbd', await on(ceph, 'rbd', rbdBackend)],
	];
	return {
		all: found.flatMap(([, backend]) => (typeof backend === 'string' ? [] : [backend])),
		missing: found.flatMap(([type, why]) => (typeof why === 'string' ? [[type, why] as const] : [])),
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}

/** Servers have sessions of their own: whoever ends the run would leave them. */
function endingBySignal(servers: AsyncDisposableStack): Disposable {
	const end = () => void servers.disposeAsync().finally(() => process.exit(1));
	process.once('SIGTERM', end).once('SIGINT', end);
	return { [Symbol.dispose]: () => process.off('SIGTERM', end).off('SIGINT', end) };
}

type Variables = Readonly<Record<string, string>>;

async function on(
	server: MaybeServer,
	tool: string,
	backend: (env: Variables, server: Extract<MaybeServer, { missing: false }>) => Promise<Backend>,
): Promise<Backend | string> {
	if (server.missing !== false) return server.missing;
	return lacking(tool) || (await backend(server.env, server));
}

/** A store's object is on the disk when it says so; cp's is made so. */
function fileBackend(folder: string): Backend {
	const at = (place: string) => join(folder, place);
	return {
		type: 'file',
		options: { filesystem_store_datadir: folder },
		tool: {
			name: 'cp',
			leastRatio: 0.25,
			env: SYSTEM,
			put: (file, place) => ['bash', '-c', 'cp "$0" "$1" && sync "$1"', file, at(place)],
			get: (place, file) => ['cp', at(place), file],
			getsFiles: true,
			remove: (place) => ['rm', at(place)],
		},
	};
}

async function s3Backend({ RGW_ENDPOINT = '', RGW_S3_ACCESS_KEY = '', RGW_S3_SECRET_KEY = '' }: Variables): Promise<Backend> {
	const bucket = `bench-${randomUUID().slice(0, 8)}`;
	const aws = (...args: readonly string[]) => ['aws', '--endpoint-url', RGW_ENDPOINT, 's3', ...args] as const;
	const at = (place: string) => `s3://${bucket}/${place}`;
	return {
		type: 's3',
		options: {
			s3_store_host: RGW_ENDPOINT,
			s3_store_access_key: RGW_S3_ACCESS_KEY,
			s3_store_secret_key: RGW_S3_SECRET_KEY,
			s3_store_bucket: bucket,
			s3_store_create_bucket_on_put: 'true',
		},
		tool: {
			name: 'aws s3 cp',
			leastRatio: 1,
			env: {
				...SYSTEM,
				AWS_ACCESS_KEY_ID: RGW_S3_ACCESS_KEY,
				AWS_SECRET_ACCESS_KEY: RGW_S3_SECRET_KEY,
				AWS_DEFAULT_REGION: 'us-east-1',
				AWS_EC2_METADATA_DISABLED: 'true',
			},
			put: (file, place) => aws('cp', file, at(place), '--only-show-errors'),
			get: (place) => thrownAway(aws('cp', at(place), '-', '--only-show-errors')),
			getsFiles: false,
			remove: (place) => aws('rm', at(place), '--only-show-errors'),
		},
	};
}

async function swiftBackend({ SWIFT_AUTH_V1_URL = '', SWIFT_USER = '', SWIFT_KEY = '' }: Variables): Promise<Backend> {
	const container = `bench-${randomUUID().slice(0, 8)}`;
	const swift = (...args: readonly string[]) =>
		['swift', '-q', '-A', SWIFT_AUTH_V1_URL, '-U', SWIFT_USER, '-K', SWIFT_KEY, ...args] as const;
	return {
		type: 'swift',
		options: {
			swift_store_auth_version: '1',
			swift_store_auth_address: SWIFT_AUTH_V1_URL,
			swift_store_user: SWIFT_USER,
			swift_store_key: SWIFT_KEY,
			swift_store_container: container,
			swift_store_create_container_on_put: 'true',
		},
		tool: {
			name: 'swift',
			leastRatio: 1,
			env: SYSTEM,
			put: (file, place) => swift('upload', '--object-name', place, container, file),
			get: (place) => thrownAway(swift('download', container, place, '--output', '-')),
			getsFiles: false,
			remove: (place) => swift('delete', container, place),
		},
	};
}

async function rbdBackend({ CEPH_CONF = '', CEPH_CLIENT_ID = '', RBD_POOL = '' }: Variables): Promise<Backend> {
	// a monitor lets up to a second pass between two changes, such as snapshots: as much for both, and nothing but noise
	await execute('ceph', ['-c', CEPH_CONF, 'tell', 'mon.*', 'config', 'set', 'paxos_propose_interval', '0.05']);
	const rbd = (...args: readonly string[]) => ['rbd', '-c', CEPH_CONF, '--id', CEPH_CLIENT_ID, ...args] as const;
	const at = (place: string) => `${RBD_POOL}/${place}`;
	return {
		type: 'rbd',
		options: { rbd_store_ceph_conf: CEPH_CONF, rbd_store_user: CEPH_CLIENT_ID, rbd_store_pool: RBD_POOL },
		tool: {
			name: 'rbd',
			leastRatio: 0.7,
			env: SYSTEM,
			// an image in Glance's form has a protected snapshot
			put: (file, place) =>
				inTurn(
					rbd('import', '--no-progress', file, at(place)),
					rbd('snap', 'create', `${at(place)}@snap`),
					rbd('snap', 'protect', `${at(place)}@snap`),
				),
			get: (place) => thrownAway(rbd('export', '--no-progress', `${at(place)}@snap`, '-')),
			getsFiles: false,
			remove: (place) =>
				inTurn(
					rbd('snap', 'unprotect', `${at(place)}@snap`),
					rbd('snap', 'purge', '--no-progress', at(place)),
					rbd('rm', '--no-progress', at(place)),
				),
		},
	};
}
