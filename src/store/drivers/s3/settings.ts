/** What an operator says of an S3 store, by Glance's names, as values that the driver works with. */
import { isIP } from 'node:net';
import { GiB, MiB } from '#lib/sizes.ts';
import { choice, count, flag, maybeText, needed, OptionError, parseOptions, type StoreOptions, text } from '#store/options.ts';

export interface S3Settings {
	/** http://host[:port][/path] or https://…, without a slash at its end */
	readonly endpoint: string;
	/** the endpoint as locations name it: without its scheme */
	readonly host: string;
	/** of the locations that it gives */
	readonly scheme: 's3' | 's3+https';
	/** what requests are signed for */
	readonly region: string;
	/** where a new bucket is to lie; undefined: wherever the server likes */
	readonly bucketRegion: string | undefined;
	readonly accessKey: string;
	readonly secretKey: string;
	readonly bucket: string;
	readonly createBucket: boolean;
	/** the bucket is part of the path; else of the host's name */
	readonly pathStyle: boolean;
	/** an object of known size below it goes up in one piece; bytes */
	readonly wholeBelowBytes: number;
	/** bytes */
	readonly partBytes: number;
	readonly parallelParts: number;
	/** path of a file of certificates; undefined: those that Node.js trusts */
	readonly caFile: string | undefined;
	/** each piece bears a CRC32 of its own beside Content-MD5 */
	readonly sendChecksums: boolean;
	readonly checkChecksums: boolean;
}

/** S3 takes no more in one request. */
const LARGEST_REQUEST_BYTES = 5 * GiB;
const DEFAULT_REGION = 'us-east-1';
const HOST = /^(?:(https?):\/\/)?((?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\/[A-Za-z0-9._~/-]*)?)$/;
const AMAZON = /(?:^|\.)s3[.-](?:dualstack\.)?(?:([a-z]{2}(?:-[a-z]+)+-\d)\.)?amazonaws\.com(?:\.cn)?$/;
/** may be a part of a host's name */
const DNS_NAME = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/;

const CHECKSUMS = choice('when_required', 'when_supported', 'always', 'never');

const OPTIONS = {
	s3_store_host: needed,
	s3_store_region_name: maybeText,
	s3_store_access_key: needed,
	s3_store_secret_key: needed,
	s3_store_bucket: needed,
	s3_store_create_bucket_on_put: flag(false),
	s3_store_bucket_url_format: choice('auto', 'virtual', 'path'),
	s3_store_large_object_size: count(100),
	s3_store_large_object_chunk_size: count(10, { min: 5, max: LARGEST_REQUEST_BYTES / MiB }),
	s3_store_thread_pools: count(10, { min: 1, max: 1000 }),
	s3_store_cacert: text(''),
	s3_store_enable_data_integrity_protection: flag(false),
	s3_store_request_checksum_calculation: CHECKSUMS,
	s3_store_response_checksum_validation: CHECKSUMS,
};

/** Throws `OptionError`; no message has a secret in it. */
export function s3Settings(options: StoreOptions): S3Settings {
	const said = parseOptions(OPTIONS, options);
	const [, web = 'http', host] = HOST.exec(said.s3_store_host) ?? [];
	const endpoint = `${web}://${host?.replace(/\/+$/, '')}`;
	if (host === undefined || !URL.canParse(endpoint))
		throw new OptionError('option s3_store_host is no host name or http(s) URL, or has credentials in it');
	const { hostname } = new URL(endpoint);
	if (!BUCKET.test(said.s3_store_bucket)) throw new OptionError('option s3_store_bucket is no name of a bucket');
	const amazon = AMAZON.exec(hostname);
	const wanted = said.s3_store_enable_data_integrity_protection;
	return {
		endpoint,
		host: endpoint.slice(endpoint.indexOf('://') + 3),
		scheme: web === 'https' ? 's3+https' : 's3',
		region: said.s3_store_region_name ?? amazon?.[1] ?? DEFAULT_REGION,
		bucketRegion: said.s3_store_region_name ?? amazon?.[1],
		accessKey: said.s3_store_access_key,
		secretKey: said.s3_store_secret_key,
		bucket: said.s3_store_bucket,
		createBucket: said.s3_store_create_bucket_on_put,
		pathStyle: isPathStyle(said.s3_store_bucket_url_format, said.s3_store_bucket, hostname, amazon !== null),
		wholeBelowBytes: Math.min(said.s3_store_large_object_size * MiB, LARGEST_REQUEST_BYTES),
		partBytes: said.s3_store_large_object_chunk_size * MiB,
		parallelParts: said.s3_store_thread_pools,
		caFile: said.s3_store_cacert === '' ? undefined : said.s3_store_cacert,
		sendChecksums: wanted && isMeant(said.s3_store_request_checksum_calculation),
		checkChecksums: wanted && isMeant(said.s3_store_response_checksum_validation),
	};
}

/** Amazon wants the bucket in the host's name; others seldom have the DNS entries for it. */
function isPathStyle(format: 'auto' | 'virtual' | 'path', bucket: string, hostname: string, amazon: boolean): boolean {
	if (format === 'path') return true;
	if (format === 'auto') return !(amazon && DNS_NAME.test(bucket));
	if (!DNS_NAME.test(bucket))
		throw new OptionError(`option s3_store_bucket_url_format: bucket ${bucket} cannot be a part of a host's name`);
	if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0)
		throw new OptionError('option s3_store_bucket_url_format: virtual needs a host name, not an address');
	return false;
}

function isMeant(when: 'when_required' | 'when_supported' | 'always' | 'never'): boolean {
	return when === 'when_supported' || when === 'always';
}
