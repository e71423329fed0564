/**
 * S3 and what speaks like it, in Glance's own layout: one object an image, named by the image's id. How an object comes
 * in is in s3/upload.ts, how the server is asked in s3/client.ts; docs/stores/s3.md is for operators.
 */
import { ImageError } from '#domain/errors.ts';
import type { DriverKind, DriverManifest, DriverSurroundings, StoreDriver } from '../driver.ts';
import type { StoreOptions } from '../options.ts';
import { openClient, type S3Client } from './s3/client.ts';
import { openUploads } from './s3/leftovers.ts';
import { bareLocation, keyOf, locationOf, SCHEMES } from './s3/locations.ts';
import { partBuffers } from './s3/parts.ts';
import { type S3Settings, s3Settings } from './s3/settings.ts';
import { type Uploading, upload } from './s3/upload.ts';

const manifest: DriverManifest = {
	type: 's3',
	schemes: SCHEMES,
	writable: true,
	ranged: true,
	removable: true,
	adoptsFiles: false,
	bare: bareLocation,
};

export const s3: DriverKind = {
	manifest,
	check: (options) => void s3Settings(options),
	open: openS3,
	properties(options) {
		const { wholeBelowBytes, partBytes, parallelParts } = s3Settings(options);
		return {
			s3_store_large_object_size: wholeBelowBytes,
			s3_store_large_object_chunk_size: partBytes,
			s3_store_thread_pools: parallelParts,
		};
	},
};

async function openS3(options: StoreOptions, { log, signal, workDir }: DriverSurroundings): Promise<StoreDriver> {
	const settings = s3Settings(options);
	await using held = new AsyncDisposableStack();
	const client = held.use(await openClient(settings));
	if (!(await client.findBucket(signal)) && !settings.createBucket) throw noBucket(settings);
	const uploads = held.use(await openUploads(workDir, client, log));
	const up: Uploading = { settings, client, buffers: partBuffers(), uploads, conditions: 'unknown' };
	const kept = held.move();

	return {
		manifest,
		locate: (key) => locationOf(settings, key),
		async put(key, source, call) {
			const location = locationOf(settings, key);
			if (settings.createBucket && !(await client.findBucket(call.signal))) await client.createBucket(call.signal);
			const size = await upload(up, key, source, call.signal);
			return { location, how: 'copy', size };
		},
		async *get(location, range, call) {
			const key = keyOf(settings, location);
			if (range === 'whole' || range.start < range.end) yield* client.read(key, range, call.signal);
			else await existing(client, settings, key, call.signal);
		},
		async stat(location, call) {
			const { size } = await existing(client, settings, keyOf(settings, location), call.signal);
			return { size };
		},
		async remove(location, call) {
			const key = keyOf(settings, location);
			// S3 deletes what is not there without a word
			await existing(client, settings, key, call.signal);
			await client.remove(key, call.signal);
		},
		async check(call) {
			if (!(await client.findBucket(call.signal)) && !settings.createBucket) throw noBucket(settings);
			await uploads.settleAll(call.signal);
		},
		[Symbol.asyncDispose]: () => kept.disposeAsync(),
	};
}

/** A bucket that is not there holds no objects either, but that is no reason to say that images are gone. */
async function existing(client: S3Client, settings: S3Settings, key: string, signal: AbortSignal) {
	const found = await client.find(key, signal);
	if (found !== undefined) return found;
	if (await client.findBucket(signal)) throw new ImageError('not-found', 'the bucket has no object of that key');
	throw noBucket(settings);
}

function noBucket({ bucket }: S3Settings): ImageError {
	return new ImageError('store-failed', `there is no bucket ${bucket}`);
}
