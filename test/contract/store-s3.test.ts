/** The S3 driver on real servers: what every driver must do, and what is S3's own. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { after, describe, it } from 'node:test';
import { CreateMultipartUploadCommand, HeadObjectCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { codeOf } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { s3 } from '#store/drivers/s3.ts';
import { freePort } from '../support/free-port.ts';
import { type MaybeS3, newBucketName, openS3, openS3In, radosgw, type S3Server, swiftS3 } from '../support/s3-servers.ts';
import { collect, describeStoreDriver, digestOf, rejectsWith, signal, sourceOf } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { testStore } from '../support/test-store.ts';
import { opensslMissing, startTlsFront } from '../support/tls-front.ts';

const MiB = 1024 * 1024;
const PART = 5 * MiB;
const call = { signal };

for (const found of await Promise.all([radosgw(), swiftS3()])) await describeS3(found);

async function describeS3(found: MaybeS3): Promise<void> {
	if (found.missing !== false) {
		it(`s3 on ${found.name}`, { skip: found.missing }, () => assert.fail('it cannot be tried'));
		return;
	}
	const { server } = found;
	const bucket = await server.createBucket();
	after(() => server[Symbol.asyncDispose]());
	const { name } = server;
	const checksums = {
		s3_store_enable_data_integrity_protection: 'true',
		s3_store_request_checksum_calculation: 'when_supported',
		s3_store_response_checksum_validation: 'when_supported',
	};
	const subject = { manifest: s3.manifest, missing: false as const, edgeBytes: PART };
	describeStoreDriver(`s3 on ${name}`, { ...subject, open: (t) => openS3(t, server.options(bucket)) });
	describeStoreDriver(`s3 on ${name}, with checksums`, {
		...subject,
		open: (t) => openS3(t, server.options(bucket, checksums)),
	});
	describeStoreDriver(`s3 on ${name}, in one piece`, {
		...subject,
		edgeBytes: MiB,
		open: (t) => openS3(t, server.options(bucket, { s3_store_large_object_size: '100' })),
	});
	describeStoreDriver(`s3 on ${name}, always in parts`, {
		...subject,
		edgeBytes: MiB,
		open: (t) => openS3(t, server.options(bucket, { s3_store_large_object_size: '0' })),
	});
	describeOwn(server);
}

function describeOwn(server: S3Server): void {
	describe(`s3 on ${server.name}: its own`, () => {
		it('sends what is smaller than the threshold in one piece, and the rest in parts', async (t) => {
			const bucket = await server.createBucket();
			const options = server.options(bucket, { s3_store_large_object_size: '11' });
			await using driver = await openS3(t, options);
			for (const [bytes, parts] of [
				[11 * MiB - 1, undefined],
				[11 * MiB, 3],
			] as const) {
				const key = randomUUID();
				const data = randomBytes(bytes);
				const { location } = await driver.put(key, sourceOf(data), call);
				const { ETag } = await server.client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
				assert.equal(/-(\d+)"$/.exec(ETag ?? '')?.[1], parts?.toString(), String(ETag));
				assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(data));
			}
		});

		it('leaves neither an object nor an upload of what fails, is aborted or has another length', async (t) => {
			const bucket = await server.createBucket();
			await using driver = await openS3(t, server.options(bucket));
			const broken = (size?: number): ObjectSource => ({
				...(size !== undefined && { size }),
				async *read() {
					yield randomBytes(2 * PART + 77);
					throw new Error('cable cut');
				},
			});
			await assert.rejects(driver.put(randomUUID(), broken(), call), /cable cut/);
			await assert.rejects(driver.put(randomUUID(), broken(3 * PART), call), /cable cut/);
			await rejectsWith('invalid', driver.put(randomUUID(), { ...sourceOf(randomBytes(2 * PART)), size: 3 * PART }, call));
			await rejectsWith('invalid', driver.put(randomUUID(), { ...sourceOf(randomBytes(3 * PART)), size: 2 * PART }, call));
			const leaving = new AbortController();
			const endless: ObjectSource = {
				async *read() {
					for (let part = 0; ; part += 1) {
						if (part === 3) leaving.abort(new Error('the client left'));
						yield randomBytes(PART);
					}
				},
			};
			await assert.rejects(driver.put(randomUUID(), endless, { signal: leaving.signal }), /the client left/);
			assert.deepEqual(await server.keys(bucket), []);
			assert.deepEqual(await server.pendingUploads(bucket), []);
		});

		it('takes back what a crash has left, and leaves alone what others have begun', async () => {
			await using work = await temporaryDir();
			const bucket = await server.createBucket();
			const options = server.options(bucket);
			const { promise: stuck, resolve: reached } = Promise.withResolvers<void>();
			// a driver that is never told how its upload ends, as after kill -9
			const crashed = await openS3In(work.path, options);
			const leaving = new AbortController();
			const source: ObjectSource = {
				async *read() {
					yield randomBytes(2 * PART);
					reached();
					await new Promise(() => undefined);
				},
			};
			const key = randomUUID();
			const lost = crashed.put(key, source, { signal: leaving.signal });
			lost.catch(() => undefined);
			await stuck;
			const theirs = randomUUID();
			const { UploadId = '' } = await server.client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: theirs }));
			await server.client.send(
				new UploadPartCommand({ Bucket: bucket, Key: theirs, UploadId, PartNumber: 1, Body: randomBytes(99) }),
			);
			assert.deepEqual((await server.pendingUploads(bucket)).toSorted(), [key, theirs].toSorted());
			await using again = await openS3In(work.path, options);
			assert.deepEqual(await server.pendingUploads(bucket), [theirs]);
			await again.put(key, sourceOf(randomBytes(9)), call);
			leaving.abort(new Error('enough'));
			await assert.rejects(lost, /enough/);
			assert.deepEqual(await server.keys(bucket), [key]);
			await crashed[Symbol.asyncDispose]();
		});

		it('keeps no note of what was stored', async () => {
			await using work = await temporaryDir();
			await using driver = await openS3In(work.path, server.options(await server.createBucket()));
			await driver.put(randomUUID(), sourceOf(randomBytes(2 * PART)), call);
			assert.deepEqual(await readdir(work.path), []);
		});

		it('says forbidden for a wrong secret, and shows none', async (t) => {
			const bucket = await server.createBucket();
			const wrong = 'wrong/secret+that=nobody@sees';
			const opened = openS3(t, server.options(bucket, { s3_store_secret_key: wrong }));
			const error: unknown = await opened.then(
				() => undefined,
				(thrown: unknown) => thrown,
			);
			assert.equal(codeOf(error), 'forbidden', String(error));
			const { cause } = error as Error;
			assert.ok(!`${error} ${cause} ${JSON.stringify(error)} ${JSON.stringify(cause)}`.includes('secret'));
		});

		it('understands locations with credentials, and uses its own', async (t) => {
			const bucket = await server.createBucket();
			await using driver = await openS3(t, server.options(bucket));
			const key = randomUUID();
			const data = randomBytes(100);
			const { location } = await driver.put(key, sourceOf(data), call);
			const host = new URL(server.endpoint).host;
			assert.equal(location, `s3://${host}/${bucket}/${key}`);
			for (const form of ['s3://', 's3+http://', 's3+https://']) {
				const embedded = `${form}some:se/cret@${host}/${bucket}/${key}`;
				assert.ok((await collect(driver, embedded, 'whole')).equals(data));
				assert.equal((await driver.stat(embedded, call)).size, 100);
			}
			const elsewhere = [
				`s3://a:se/cret@https://${host}/${bucket}/${key}`,
				`s3://a:se/cret@elsewhere/${bucket}/${key}`,
				`s3://a:se/cret@${host}/other/${key}`,
				`s3://a:se/cret@${host}/${bucket}/..`,
				`s3://a:se/cret@${host}/${bucket}/`,
				`s3://a:se/cret@${host}/${bucket}/${key}?versionId=1`,
			];
			for (const other of elsewhere)
				await assert.rejects(
					driver.remove(other, call),
					(error) => codeOf(error) === 'invalid' && !String(error).includes('cret'),
				);
			await driver.remove(`s3://a:se/cret@${host}/${bucket}/${key}`, call);
			await rejectsWith('not-found', driver.stat(location, call));
		});

		it('makes the bucket on the first put, only when it is told to', async (t) => {
			await rejectsWith('store-failed', openS3(t, server.options(newBucketName())));
			const bucket = newBucketName();
			await using driver = await openS3(t, server.options(bucket, { s3_store_create_bucket_on_put: 'true' }));
			await driver.check(call);
			await driver.put(randomUUID(), sourceOf(randomBytes(10)), call);
			assert.equal((await server.keys(bucket)).length, 1);
		});

		it('does not say that images are gone when the bucket is', async (t) => {
			await using driver = await openS3(t, server.options(newBucketName(), { s3_store_create_bucket_on_put: 'true' }));
			const location = driver.locate(randomUUID()) ?? '';
			await rejectsWith('store-failed', driver.stat(location, call));
			await rejectsWith('store-failed', driver.remove(location, call));
			await rejectsWith('store-failed', collect(driver, location, 'whole'));
		});

		it('refuses bytes that are not those whose md5 was promised', async (t) => {
			const bucket = await server.createBucket();
			await using driver = await openS3(t, server.options(bucket, { s3_store_large_object_size: '100' }));
			for (const bytes of [1000, 2 * PART]) {
				const source = { ...sourceOf(randomBytes(bytes)), checksum: '0'.repeat(32) };
				await rejectsWith('corrupt', driver.put(randomUUID(), source, call));
			}
			assert.deepEqual(await server.keys(bucket), []);
		});

		it('never replaces an object that comes while it uploads', async (t) => {
			const bucket = await server.createBucket();
			await using driver = await openS3(t, server.options(bucket));
			for (const parts of [0, 2]) {
				const key = randomUUID();
				const theirs = randomBytes(50);
				const source: ObjectSource = {
					async *read() {
						yield randomBytes(parts * PART + 10);
						await server.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: theirs }));
					},
				};
				await rejectsWith('conflict', driver.put(key, source, call));
				assert.ok((await collect(driver, driver.locate(key) ?? '', 'whole')).equals(theirs));
			}
			assert.deepEqual(await server.pendingUploads(bucket), []);
		});

		it('gives ranges that the object does not have as corrupt', async (t) => {
			await using driver = await openS3(t, server.options(await server.createBucket()));
			const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(100)), call);
			await rejectsWith('corrupt', collect(driver, location, { start: 50, end: 101 }));
			await rejectsWith('corrupt', collect(driver, location, { start: 100, end: 101 }));
		});

		it('speaks https to whom s3_store_cacert vouches for, and to nobody else', { skip: opensslMissing }, async (t) => {
			await using work = await temporaryDir();
			await using front = await startTlsFront(work.path, Number(new URL(server.endpoint).port));
			const bucket = await server.createBucket();
			const secure = { s3_store_host: `https://localhost:${front.port}` };
			await using driver = await openS3(t, server.options(bucket, { ...secure, s3_store_cacert: front.certificate }));
			const data = randomBytes(2 * PART);
			const { location } = await driver.put(randomUUID(), sourceOf(data), call);
			assert.ok(location.startsWith(`s3+https://localhost:${front.port}/${bucket}/`));
			assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(data));
			await rejectsWith('store-failed', openS3(t, server.options(bucket, secure)));
			await rejectsWith('store-failed', openS3(t, server.options(bucket, { ...secure, s3_store_cacert: '/nowhere' })));
		});

		it('is a store like any other', async (t) => {
			await using driver = await openS3(t, server.options(await server.createBucket()));
			const store = testStore('centre', driver);
			const { location, size } = await store.put(randomUUID(), sourceOf(randomBytes(3 * PART)), call);
			assert.equal(size, 3 * PART);
			await store.remove(location, call);
			await assert.rejects(store.stat(location, call), /^ImageError: store centre: /);
		});
	});
}

it('a server that is down makes the store unavailable', async (t) => {
	const options = {
		s3_store_host: `http://127.0.0.1:${await freePort()}`,
		s3_store_access_key: 'a',
		s3_store_secret_key: 'b',
		s3_store_bucket: 'images',
	};
	await rejectsWith('unavailable', openS3(t, options));
});
