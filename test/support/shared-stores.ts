/** Stores that a Glance and a node have in common, on real servers; and a look into each that shares no code with the drivers. */
import { randomUUID } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { silentLog } from '#lib/log.ts';
import type { StoreDriver } from '#store/driver.ts';
import { filesystemSettings } from '#store/drivers/filesystem/options.ts';
import { openFilesystem } from '#store/drivers/filesystem.ts';
import { swift } from '#store/drivers/swift.ts';
import type { StoreOptions } from '#store/options.ts';
import { absentModules, type GlanceStore } from './own-glance.ts';
import { realCeph } from './real-ceph.ts';
import { SWIFT, startServer } from './real-servers.ts';
import { viewByTempauth } from './real-swift.ts';
import { radosgw } from './s3-servers.ts';

const MiB = 1024 * 1024;

export interface SharedStore extends GlanceStore {
	/** bytes of an image for several parts, objects or chunks */
	readonly large: number;
	/** names of everything there that belongs to the image */
	leftOf(id: string): Promise<readonly string[]>;
	/** Whether it is kept in parts; absent where nothing is. */
	readonly isInParts?: (id: string) => Promise<boolean>;
	/** How the other reaches what is there: by a location that clients give it, or in its own place where clients may name none. */
	readonly reached:
		| {
				readonly by: 'location' /** a node's location as Glance takes it */;
				forGlance(url: string): string;
				/** what Glance's location carries and nobody else should */
				readonly secret?: string;
		  }
		| { readonly by: 'place'; open(): Promise<StoreDriver> };
}
export type MaybeShared = SharedStore | { readonly id: string; readonly missing: string };

/** Stores of every kind that Glance and a node can share here; `dir` is theirs, `cleanup` stops what was started for them. */
export async function sharedStores(dir: string, cleanup: AsyncDisposableStack): Promise<readonly MaybeShared[]> {
	return [fileStore(dir), await s3Store(cleanup), ...(await swiftStores(dir, cleanup)), await rbdStore(cleanup)];
}

function fileStore(dir: string): SharedStore {
	const folder = join(dir, 'images');
	const options = { filesystem_store_datadir: folder };
	return {
		id: 'file1',
		type: 'file',
		options,
		large: 5 * MiB + 123,
		leftOf: async (id) => (await readdir(folder)).filter((name) => name.includes(id)),
		reached: { by: 'place', open: () => openFilesystem(filesystemSettings(options)) },
	};
}

async function s3Store(cleanup: AsyncDisposableStack): Promise<MaybeShared> {
	const opened = (await withoutModule('boto3')) ?? (await radosgw());
	if (opened.missing !== false) return { id: 's3', missing: opened.missing };
	const server = cleanup.use(opened.server);
	const bucket = await server.createBucket();
	const options = said(server.options(bucket));
	const credentials = `${options.s3_store_access_key}:${options.s3_store_secret_key}`;
	return {
		id: 's3',
		type: 's3',
		options,
		large: 11 * MiB + 5,
		leftOf: async (id) =>
			[...(await server.keys(bucket)), ...(await server.pendingUploads(bucket))].filter((key) => key.includes(id)),
		// of so many parts, after a hyphen
		isInParts: async (Key) =>
			/-\d+"$/.test((await server.client.send(new HeadObjectCommand({ Bucket: bucket, Key }))).ETag ?? ''),
		// Glance reads no location without them
		reached: { by: 'location', forGlance: (url) => url.replace('://', `://${credentials}@`), secret: credentials },
	};
}

/** The account in the configuration itself, and in a file beside it, which changes the form of Glance's locations. */
export async function swiftStores(dir: string, cleanup: AsyncDisposableStack): Promise<readonly MaybeShared[]> {
	const server = (await withoutModule('swiftclient')) ?? (await startServer(SWIFT));
	if (server.missing !== false) return ['swift', 'swift-by-file'].map((id) => ({ id, missing: server.missing as string }));
	cleanup.use(server);
	const { SWIFT_AUTH_V1_URL: address = '', SWIFT_USER: user = '', SWIFT_KEY: key = '' } = server.env;
	const account = await viewByTempauth(address, user, key);
	const container = `shared-${randomUUID().slice(0, 8)}`;
	const file = join(dir, 'glance-swift.conf');
	await writeFile(file, `[ref1]\nuser = ${user}\nkey = ${key}\nauth_address = ${address}\nauth_version = 1\n`, { mode: 0o600 });
	const leftOf = async (id: string) => ((await account.names(container)) ?? []).filter((name) => name.includes(id));
	// three segments of at most 1,024,000 bytes, and what joins them
	const isInParts = async (id: string) => (await leftOf(id)).length === 4;
	const common = { type: 'swift', large: 3_000_000, leftOf, isInParts };
	const options = {
		swift_store_container: container,
		swift_store_create_container_on_put: 'true',
		swift_store_large_object_size: '2',
		swift_store_large_object_chunk_size: '1',
	};
	const inside = {
		swift_store_auth_version: '1',
		swift_store_auth_address: address,
		swift_store_user: user,
		swift_store_key: key,
	};
	const beside = { ...options, swift_store_config_file: file, default_swift_reference: 'ref1' };
	const around = { store: 'beside', log: silentLog, signal: new AbortController().signal, workDir: join(dir, 'beside') };
	const named = `swift+http://${encodeURIComponent(user)}:${key}@${address.replace('http://', '')}/`;
	return [
		{
			...common,
			id: 'swift',
			options: { ...options, ...inside },
			// a reference is nothing that a client may name
			reached: { by: 'location', forGlance: (url) => url.replace('swift+config://ref1/', named), secret: `:${key}@` },
		},
		{ ...common, id: 'swift-by-file', options: beside, reached: { by: 'place', open: () => swift.open(beside, around) } },
	];
}

async function rbdStore(cleanup: AsyncDisposableStack): Promise<MaybeShared> {
	const ceph = (await withoutModule('rbd')) ?? (await realCeph());
	if (ceph.missing !== false) return { id: 'rbd', missing: ceph.missing };
	cleanup.use(ceph);
	const lines = async (...args: string[]) => (await ceph.rbd(...args)).split('\n');
	return {
		id: 'rbd',
		type: 'rbd',
		options: said(ceph.options),
		large: 20 * MiB + 7,
		leftOf: async (id) =>
			[...(await lines('ls', 'images')), ...(await lines('trash', 'ls', 'images'))].filter((name) => name.includes(id)),
		reached: { by: 'location', forGlance: (url) => url },
	};
}

async function withoutModule(name: string): Promise<{ readonly missing: string } | undefined> {
	const absent = await absentModules(name);
	return absent.length > 0 ? { missing: `Debian's Python has no module ${name}` } : undefined;
}

function said(options: StoreOptions): Record<string, string> {
	return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)]));
}
