/** The SDK's client, set up so that it does what the driver says and nothing of its own accord. */
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import type * as Sdk from '@aws-sdk/client-s3';
import { ImageError } from '#domain/errors.ts';
import type { S3Settings } from './settings.ts';

const CONNECT_MS = 10_000;
const MOST_SOCKETS = 256;
const MOST_IDLE_SOCKETS = 16;
const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** Talks to nobody. */
export async function connect(sdk: typeof Sdk, settings: S3Settings): Promise<Sdk.S3Client> {
	const client = new sdk.S3Client(await configure(settings));
	client.middlewareStack.add(
		(next) => (args) => {
			markUnsigned(args.request as WireRequest);
			return next(args);
		},
		{ step: 'build', name: 'unsignedPayload' },
	);
	return client;
}

async function configure(settings: S3Settings): Promise<Sdk.S3ClientConfig> {
	const ca = settings.caFile === undefined ? undefined : await readFile(settings.caFile).catch(unreadable);
	const sockets = { keepAlive: true, maxSockets: MOST_SOCKETS, maxFreeSockets: MOST_IDLE_SOCKETS };
	return {
		endpoint: settings.endpoint,
		region: settings.region,
		credentials: { accessKeyId: settings.accessKey, secretAccessKey: settings.secretKey },
		forcePathStyle: settings.pathStyle,
		// ours are computed while a part is read, and need no framing, which many servers do not know
		requestChecksumCalculation: 'WHEN_REQUIRED',
		responseChecksumValidation: settings.checkChecksums ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
		maxAttempts: 1,
		expectContinueHeader: false,
		requestHandler: {
			httpAgent: new HttpAgent(sockets),
			httpsAgent: new HttpsAgent({ ...sockets, ...(ca && { ca }) }),
			connectionTimeout: CONNECT_MS,
			socketTimeout: 0,
		},
		logger: quiet,
		// nothing of this comes from files or variables that speak to other programs
		useDualstackEndpoint: false,
		useFipsEndpoint: false,
		useArnRegion: false,
		disableMultiregionAccessPoints: true,
		disableS3ExpressSessionAuth: true,
		defaultsMode: 'standard',
	};
}

function unreadable(error: NodeJS.ErrnoException): never {
	throw new ImageError('store-failed', `the file of s3_store_cacert cannot be read (${error.code})`, { cause: error });
}

interface WireRequest {
	readonly body?: unknown;
	readonly headers: Record<string, string>;
}

/** Bytes are vouched for by Content-MD5, which is signed: signing them too would take a second pass over each part. */
function markUnsigned({ body, headers }: WireRequest): void {
	if (body instanceof Uint8Array || body instanceof Readable) headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
}
