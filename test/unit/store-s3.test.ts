import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import * as sdk from '@aws-sdk/client-s3';
import { GiB, MiB, TiB } from '#lib/sizes.ts';
import { connect } from '#store/drivers/s3/connection.ts';
import { MOST_PARTS, partBuffers, partBytesOf } from '#store/drivers/s3/parts.ts';
import { s3Settings } from '#store/drivers/s3/settings.ts';
import { readSource } from '#store/drivers/s3/source-reader.ts';
import { s3 } from '#store/drivers/s3.ts';
import { OptionError, type StoreOptions } from '#store/options.ts';

const options = (more: StoreOptions = {}): StoreOptions => ({
	s3_store_host: 'https://objects.example.org',
	s3_store_access_key: 'access',
	s3_store_secret_key: 'very-secret',
	s3_store_bucket: 'images',
	...more,
});

describe('options of an S3 store', () => {
	it("are Glance's, with Glance's defaults", () => {
		const settings = s3Settings(options());
		assert.deepEqual(
			{ ...settings, accessKey: '', secretKey: '' },
			{
				endpoint: 'https://objects.example.org',
				host: 'objects.example.org',
				scheme: 's3+https',
				region: 'us-east-1',
				bucketRegion: undefined,
				accessKey: '',
				secretKey: '',
				bucket: 'images',
				createBucket: false,
				pathStyle: true,
				wholeBelowBytes: 100 * MiB,
				partBytes: 10 * MiB,
				parallelParts: 10,
				caFile: undefined,
				sendChecksums: false,
				checkChecksums: false,
			},
		);
		assert.deepEqual(s3.properties(options()), {
			s3_store_large_object_size: 100 * MiB,
			s3_store_large_object_chunk_size: 10 * MiB,
			s3_store_thread_pools: 10,
		});
	});

	it('take a host without a scheme for one over http, as Glance does', () => {
		const { endpoint, scheme, host } = s3Settings(options({ s3_store_host: 'gateway:8080' }));
		assert.deepEqual([endpoint, scheme, host], ['http://gateway:8080', 's3', 'gateway:8080']);
	});

	it('know the region of a host of Amazon', () => {
		const region = (host: string) => s3Settings(options({ s3_store_host: host })).region;
		assert.equal(region('https://s3.eu-central-1.amazonaws.com'), 'eu-central-1');
		assert.equal(region('https://s3-us-west-2.amazonaws.com'), 'us-west-2');
		assert.equal(region('https://s3.cn-north-1.amazonaws.com.cn'), 'cn-north-1');
		assert.equal(region('https://s3.amazonaws.com'), 'us-east-1');
	});

	it('ask for checksums only when data integrity protection is on', () => {
		const when = { s3_store_request_checksum_calculation: 'when_supported' };
		assert.equal(s3Settings(options(when)).sendChecksums, false);
		assert.equal(s3Settings(options({ ...when, s3_store_enable_data_integrity_protection: 'true' })).sendChecksums, true);
	});

	const refused: Readonly<Record<string, StoreOptions>> = {
		'an unknown option': { s3_store_object_buffer_dir: '/tmp' },
		'no host': { s3_store_host: '' },
		'no secret': { s3_store_secret_key: '' },
		'credentials in the host': { s3_store_host: 'https://access:very-secret@host' },
		'another scheme': { s3_store_host: 'ftp://very-secret' },
		'parts that S3 finds too small': { s3_store_large_object_chunk_size: '4' },
		'no parts at once': { s3_store_thread_pools: '0' },
		'a bucket that is a path': { s3_store_bucket: '../images' },
		'virtual addressing of a bucket that is no host name': {
			s3_store_bucket_url_format: 'virtual',
			s3_store_bucket: 'Old_Bucket',
		},
		'virtual addressing at an IP address': { s3_store_bucket_url_format: 'virtual', s3_store_host: 'http://127.0.0.1:80' },
	};
	for (const [what, more] of Object.entries(refused))
		it(`refuse ${what}, and show no secret`, () => {
			assert.throws(
				() => s3.check(options(more)),
				(error) => error instanceof OptionError && !/secret[^_]/.test(error.message),
			);
		});
});

test('the bucket is in the path or in the host name', async () => {
	const asked = async (more: StoreOptions) => {
		const client = await connect(sdk, s3Settings(options(more)));
		let seen = '';
		client.middlewareStack.add(
			() => async (args) => {
				const { protocol, hostname, path } = args.request as { protocol: string; hostname: string; path: string };
				seen = `${protocol}//${hostname}${path}`;
				throw new Error('far enough');
			},
			{ step: 'finalizeRequest' },
		);
		await assert.rejects(client.send(new sdk.GetObjectCommand({ Bucket: 'images', Key: 'key' })), /far enough/);
		return seen;
	};
	assert.equal(await asked({}), 'https://objects.example.org/images/key');
	assert.equal(await asked({ s3_store_bucket_url_format: 'virtual' }), 'https://images.objects.example.org/key');
	const amazon = { s3_store_host: 'https://s3.eu-central-1.amazonaws.com' };
	assert.equal(await asked(amazon), 'https://images.s3.eu-central-1.amazonaws.com/key');
	assert.equal(
		await asked({ ...amazon, s3_store_bucket_url_format: 'path' }),
		'https://s3.eu-central-1.amazonaws.com/images/key',
	);
});

describe('parts', () => {
	it('of a known size are as many as S3 takes, at most', () => {
		for (const size of [1, 100 * MiB, 97 * GiB, 98 * GiB + 1, 5 * TiB]) {
			const bytes = partBytesOf(1, 10 * MiB, size);
			assert.ok(bytes >= 10 * MiB && Math.ceil(size / bytes) <= MOST_PARTS, `${size}`);
		}
	});

	it('of an unknown size hold 5 TiB, and begin small', () => {
		let total = 0;
		for (let number = 1; number <= MOST_PARTS; number += 1) {
			const bytes = partBytesOf(number, 5 * MiB, undefined);
			assert.ok(bytes >= 5 * MiB && bytes <= 5 * GiB);
			total += bytes;
			if (total < 4 * GiB) assert.ok(bytes <= 16 * MiB, `part ${number} has ${bytes}`);
		}
		assert.ok(total >= 5 * TiB, `${total}`);
	});
});

describe('buffers of parts', () => {
	it('one is for each upload, more are from what all share, and come back', async () => {
		const buffers = partBuffers(20);
		using slow = buffers.lease(9);
		using first = buffers.lease(9);
		await slow.take(10);
		const own = await first.take(10);
		await first.take(10);
		await first.take(10);
		let got = false;
		const waiting = first.take(10).then((buffer) => {
			got = true;
			return buffer;
		});
		await new Promise(setImmediate);
		assert.equal(got, false);
		first.give(own);
		assert.equal((await waiting).buffer, own.buffer);
		first[Symbol.dispose]();
		using third = buffers.lease(9);
		await third.take(10);
		await third.take(20);
	});

	it('are not more than an upload may have, and grow with its parts', async () => {
		const buffers = partBuffers(100);
		using lease = buffers.lease(2);
		const one = await lease.take(10);
		const two = await lease.take(10);
		lease.give(one);
		lease.give(two);
		assert.equal((await lease.take(50)).length, 50);
		assert.equal((await lease.take(100)).length, 100);
	});
});

describe('the reader of a source', () => {
	const signal = new AbortController().signal;
	const sourceOf = (...chunks: readonly string[]) => ({
		async *read() {
			// one piece of memory for all, as sources may have
			const memory = Buffer.alloc(16);
			for (const chunk of chunks) yield memory.subarray(0, memory.write(chunk));
		},
	});

	it('fills buffers across chunks', async () => {
		await using reader = readSource(sourceOf('abc', '', 'defgh', 'ij'), signal);
		const buffer = Buffer.alloc(4);
		const seen: string[] = [];
		for (let filled = await reader.fill(buffer); filled > 0; filled = await reader.fill(buffer))
			seen.push(buffer.toString('latin1', 0, filled));
		assert.deepEqual(seen, ['abcd', 'efgh', 'ij']);
		assert.equal(reader.bytes, 10);
	});

	it('gives streams of any length, one after the other', async () => {
		await using reader = readSource({ ...sourceOf('abc', 'defgh', 'ij'), size: 10 }, signal);
		const take = async (length: number, last: boolean) =>
			Buffer.concat(await Array.fromAsync(reader.take(length, last))).toString();
		assert.equal(await take(4, false), 'abcd');
		assert.equal(await take(6, true), 'efghij');
	});

	it('withholds the last bytes of a source that goes on', async () => {
		await using reader = readSource({ ...sourceOf('abc', 'd', 'e'), size: 4 }, signal);
		let seen = '';
		await assert.rejects(async () => {
			for await (const chunk of reader.take(4, true)) seen += chunk.toString();
		}, /not the 4 bytes announced/);
		assert.equal(seen, 'abc');
	});

	it('leaves a source that never answers', async () => {
		const leaving = new AbortController();
		const silent = { read: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) }) };
		const reading = (async () => {
			await using reader = readSource(silent, leaving.signal);
			await reader.atEnd();
		})();
		leaving.abort(new Error('left'));
		await assert.rejects(reading, /left/);
	});
});
