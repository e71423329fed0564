/** The requests of the driver, by the SDK: one function each, errors in the words of stores, nothing tried twice. */
import type { Readable } from 'node:stream';
import type * as Sdk from '@aws-sdk/client-s3';
import type { ByteRange } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import { connect } from './connection.ts';
import { inStoreTerms, statusOf } from './errors.ts';
import { counted, lengthOf } from './reading.ts';
import type { S3Settings } from './settings.ts';

/** Bytes of one request: those of a buffer can be sent again. */
export interface Body {
	readonly data: Uint8Array | Readable;
	/** bytes */
	readonly length: number;
	/** hex, when it is known before */
	readonly md5?: string;
	readonly crc32?: number;
}

/** What the server says of what it took. */
export interface Kept {
	/** hex md5 of the bytes, where the server says it */
	readonly md5: string | undefined;
	/** as the server wants it back */
	readonly etag: string;
	/** base64, from servers that know it */
	readonly crc32?: string;
}

export interface ObjectFacts {
	/** bytes */
	readonly size: number;
	/** of the upload that made it; undefined: not ours */
	readonly mark: string | undefined;
	readonly etag: string | undefined;
}

export interface PendingUpload {
	readonly id: string;
	/** UTC milliseconds, by the server's clock */
	readonly begunMs: number;
}

export interface Part extends Kept {
	readonly number: number;
}

export interface PutConditions {
	readonly mark: string;
	/** refused with `conflict` when an object of that key is there, by servers that know the condition */
	readonly onlyNew: boolean;
}

export interface S3Client extends Disposable {
	/** false: there is none */
	findBucket(signal: AbortSignal): Promise<boolean>;
	createBucket(signal: AbortSignal): Promise<void>;
	/** undefined: there is none */
	find(key: string, signal: AbortSignal): Promise<ObjectFacts | undefined>;
	/** Its bytes in order; an end before the end is an error. */
	read(key: string, range: ByteRange | 'whole', signal: AbortSignal): AsyncGenerator<Uint8Array>;
	put(key: string, body: Body, conditions: PutConditions, signal: AbortSignal): Promise<Kept>;
	remove(key: string, signal: AbortSignal): Promise<void>;
	/** id of the upload */
	begin(key: string, mark: string, signal: AbortSignal): Promise<string>;
	putPart(key: string, upload: string, number: number, body: Body, signal: AbortSignal): Promise<Kept>;
	finish(key: string, upload: string, parts: readonly Part[], onlyNew: boolean, signal: AbortSignal): Promise<void>;
	/** Fine when there is no such upload any more. */
	abort(key: string, upload: string, signal: AbortSignal): Promise<void>;
	/** of exactly this key */
	pendingUploads(key: string, signal: AbortSignal): Promise<readonly PendingUpload[]>;
	hasParts(key: string, upload: string, signal: AbortSignal): Promise<boolean>;
}

const MARK = 'sundog-upload';

/** Loads the SDK; talks to nobody. */
export async function openClient(settings: S3Settings): Promise<S3Client> {
	const sdk = await import('@aws-sdk/client-s3');
	const { bucket: Bucket } = settings;
	const client = await connect(sdk, settings);

	/** What fails leaves no request under way: an answer may come before its request has been sent. */
	async function within<T>(outer: AbortSignal, work: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
		const leave = new AbortController();
		try {
			outer.throwIfAborted();
			return await work({ abortSignal: AbortSignal.any([outer, leave.signal]) });
		} catch (error) {
			leave.abort();
			throw inStoreTerms(error, outer);
		}
	}

	/** As it is, or undefined when the server says that there is none. */
	async function ifThere<T>(outer: AbortSignal, work: (options: { abortSignal: AbortSignal }) => Promise<T>) {
		return await within(outer, async (options) => {
			try {
				return await work(options);
			} catch (error) {
				if (statusOf(error) === 404) return undefined;
				throw error;
			}
		});
	}

	const sums = ({ md5, crc32 }: Body) => ({
		...(md5 !== undefined && { ContentMD5: Buffer.from(md5, 'hex').toString('base64') }),
		...(settings.sendChecksums && crc32 !== undefined && { ChecksumCRC32: crc32Text(crc32) }),
	});

	return {
		async findBucket(signal) {
			return (await ifThere(signal, (options) => client.send(new sdk.HeadBucketCommand({ Bucket }), options))) !== undefined;
		},
		async createBucket(signal) {
			const { bucketRegion } = settings;
			// Amazon's first region goes without saying, and must not be said
			const named = bucketRegion !== undefined && bucketRegion !== 'us-east-1';
			const where = named && {
				CreateBucketConfiguration: { LocationConstraint: bucketRegion as Sdk.BucketLocationConstraint },
			};
			await within(signal, async (options) => {
				try {
					await client.send(new sdk.CreateBucketCommand({ Bucket, ...where }), options);
				} catch (error) {
					if (!(error instanceof sdk.BucketAlreadyOwnedByYou)) throw error;
				}
			});
		},
		async find(Key, signal) {
			const found = await ifThere(signal, (options) => client.send(new sdk.HeadObjectCommand({ Bucket, Key }), options));
			if (found === undefined) return undefined;
			return { size: lengthOf(found.ContentLength), mark: found.Metadata?.[MARK], etag: found.ETag };
		},
		async *read(Key, range, signal) {
			const leave = new AbortController();
			const options = { abortSignal: AbortSignal.any([signal, leave.signal]) };
			const Range = range === 'whole' ? undefined : `bytes=${range.start}-${range.end - 1}`;
			let under = true;
			try {
				signal.throwIfAborted();
				yield* counted(await client.send(new sdk.GetObjectCommand({ Bucket, Key, ...(Range && { Range }) }), options), range);
				under = false;
			} catch (error) {
				throw inStoreTerms(error, signal);
			} finally {
				if (under) leave.abort();
			}
		},
		async put(Key, body, { mark, onlyNew }, signal) {
			const input = { Bucket, Key, Body: body.data, ContentLength: body.length, Metadata: { [MARK]: mark } };
			const only = onlyNew && { IfNoneMatch: '*' };
			const command = new sdk.PutObjectCommand({ ...input, ...sums(body), ...only });
			return kept(await within(signal, (options) => client.send(command, options)));
		},
		async remove(Key, signal) {
			await within(signal, (options) => client.send(new sdk.DeleteObjectCommand({ Bucket, Key }), options));
		},
		async begin(Key, mark, signal) {
			const sums = settings.sendChecksums && { ChecksumAlgorithm: sdk.ChecksumAlgorithm.CRC32 };
			const command = new sdk.CreateMultipartUploadCommand({ Bucket, Key, Metadata: { [MARK]: mark }, ...sums });
			const { UploadId } = await within(signal, (options) => client.send(command, options));
			if (!UploadId) throw new ImageError('store-failed', "the s3 server's answer makes no sense (no upload id)");
			return UploadId;
		},
		async putPart(Key, UploadId, PartNumber, body, signal) {
			const input = { Bucket, Key, UploadId, PartNumber, Body: body.data, ContentLength: body.length };
			const command = new sdk.UploadPartCommand({ ...input, ...sums(body) });
			return kept(await within(signal, (options) => client.send(command, options)));
		},
		async finish(Key, UploadId, parts, onlyNew, signal) {
			const Parts = parts.map(({ number, etag, crc32 }) => ({
				PartNumber: number,
				ETag: etag,
				...(settings.sendChecksums && crc32 !== undefined && { ChecksumCRC32: crc32 }),
			}));
			const only = onlyNew && { IfNoneMatch: '*' };
			const command = new sdk.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...only });
			await within(signal, (options) => client.send(command, options));
		},
		async abort(Key, UploadId, signal) {
			const command = new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId });
			await ifThere(signal, (options) => client.send(command, options));
		},
		async pendingUploads(Key, signal) {
			const command = new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: Key });
			// what may not be asked, or is not known, is no reason to take no objects
			const { Uploads = [] } = await within(signal, (options) => client.send(command, options).catch(orNone));
			return Uploads.filter((each) => each.Key === Key && each.UploadId !== undefined && each.Initiated !== undefined).map(
				({ UploadId = '', Initiated }) => ({ id: UploadId, begunMs: Initiated?.getTime() ?? 0 }),
			);
		},
		async hasParts(Key, UploadId, signal) {
			const command = new sdk.ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 1 });
			const answer = await ifThere(signal, (options) => client.send(command, options));
			return (answer?.Parts?.length ?? 0) > 0;
		},
		[Symbol.dispose]: () => client.destroy(),
	};
}

type Answer = Pick<Sdk.PutObjectCommandOutput, 'ETag' | 'ServerSideEncryption' | 'ChecksumCRC32'>;

/** With keys of the server's own the ETag is no md5, though it looks like one. */
function kept({ ETag, ServerSideEncryption, ChecksumCRC32 }: Answer): Kept {
	if (!ETag) throw new ImageError('store-failed', "the s3 server's answer makes no sense (no ETag)");
	const hex = /^"?([0-9a-f]{32})"?$/i.exec(ETag)?.[1]?.toLowerCase();
	const md5 = ServerSideEncryption?.startsWith('aws:') ? undefined : hex;
	return { etag: ETag, md5, ...(ChecksumCRC32 && { crc32: ChecksumCRC32 }) };
}

function orNone(error: unknown): { readonly Uploads?: Sdk.MultipartUpload[] } {
	if (statusOf(error) === 403 || statusOf(error) === 501) return {};
	throw error;
}

function crc32Text(sum: number): string {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(sum >>> 0);
	return bytes.toString('base64');
}
