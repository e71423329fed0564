/** The S3 of real servers, a look into them beside the driver, and drivers on a bucket of their own. */
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import {
	CreateBucketCommand,
	ListMultipartUploadsCommand,
	type ListMultipartUploadsCommandOutput,
	ListObjectsV2Command,
	S3Client,
} from '@aws-sdk/client-s3';
import { silentLog } from '#lib/log.ts';
import type { StoreDriver } from '#store/driver.ts';
import { s3 } from '#store/drivers/s3.ts';
import type { StoreOptions } from '#store/options.ts';
import { CEPH, type ServerKind, SWIFT, startServer } from './real-servers.ts';
import { temporaryDir } from './temporary-dir.ts';

export interface S3Server extends AsyncDisposable {
	readonly name: string;
	readonly endpoint: string;
	/** of a driver for that bucket, with parts of 5 MiB; `more` last */
	options(bucket: string, more?: StoreOptions): StoreOptions;
	createBucket(): Promise<string>;
	keys(bucket: string): Promise<readonly string[]>;
	pendingUploads(bucket: string): Promise<readonly string[]>;
	/** for requests that the driver never makes */
	readonly client: S3Client;
}

export type MaybeS3 =
	| { readonly name: string; readonly missing: string }
	| { readonly missing: false; readonly server: S3Server };

export const radosgw = () => openS3Server('radosgw', CEPH, 'RGW_ENDPOINT', 'RGW_S3');
export const swiftS3 = () => openS3Server("Swift's s3api", SWIFT, 'SWIFT_S3_ENDPOINT', 'SWIFT_S3');

async function openS3Server(name: string, kind: ServerKind, endpointVar: string, prefix: string): Promise<MaybeS3> {
	const started = await startServer(kind);
	if (started.missing !== false) return { name, missing: started.missing };
	const said = (variable: string) => started.env[variable] ?? '';
	const [endpoint, accessKey, secretKey] = [said(endpointVar), said(`${prefix}_ACCESS_KEY`), said(`${prefix}_SECRET_KEY`)];
	const client = new S3Client({
		endpoint,
		region: 'us-east-1',
		credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
		forcePathStyle: true,
		requestChecksumCalculation: 'WHEN_REQUIRED',
		responseChecksumValidation: 'WHEN_REQUIRED',
	});
	const server: S3Server = {
		name,
		endpoint,
		client,
		options: (bucket, more = {}) => ({
			s3_store_host: endpoint,
			s3_store_access_key: accessKey,
			s3_store_secret_key: secretKey,
			s3_store_bucket: bucket,
			s3_store_large_object_size: '5',
			s3_store_large_object_chunk_size: '5',
			...more,
		}),
		async createBucket() {
			const Bucket = newBucketName();
			await client.send(new CreateBucketCommand({ Bucket }));
			return Bucket;
		},
		async keys(Bucket) {
			const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
			return Contents.map(({ Key = '' }) => Key);
		},
		async pendingUploads(Bucket) {
			const { Uploads = [] }: ListMultipartUploadsCommandOutput = await client.send(new ListMultipartUploadsCommand({ Bucket }));
			return Uploads.map(({ Key = '' }) => Key);
		},
		async [Symbol.asyncDispose]() {
			client.destroy();
			await started[Symbol.asyncDispose]();
		},
	};
	return { missing: false, server };
}

export function newBucketName(): string {
	return `sundog-${randomUUID().slice(0, 18)}`;
}

/** With a working folder of its own, which goes after the test. */
export async function openS3(t: TestContext, options: StoreOptions): Promise<StoreDriver> {
	const work = await temporaryDir();
	t.after(() => work[Symbol.asyncDispose]());
	return openS3In(work.path, options);
}

export function openS3In(workDir: string, options: StoreOptions): Promise<StoreDriver> {
	return s3.open(options, { store: 's3', log: silentLog, signal: new AbortController().signal, workDir });
}
