/** Requests below `/v3` of one Keystone. Everything that keeps an answer from coming is `unavailable`. */
import { ImageError } from '#domain/errors.ts';
import { createServiceHttp, jsonIn, type ServiceHttp, type ServiceRequest } from '#lib/service-http.ts';
import type { KeystoneAnswer } from './ports.ts';

/** A token's catalogue is tens of kilobytes; more than this is no answer to anything asked here. */
const MAX_ANSWER_BYTES = 1024 * 1024;

export interface KeystoneApiOptions {
	/** with or without the version at its end */
	readonly url: string;
	/** for one request */
	readonly timeoutMs: number;
	/** absent: the authorities of Node and of the system. Read once. */
	readonly caFile?: string;
	/** true: certificates are not checked */
	readonly insecure: boolean;
}

export interface KeystoneApi extends Disposable {
	/** `path` begins with a slash. Any status resolves. */
	send(request: Omit<ServiceRequest, 'url'> & { readonly path: string }): Promise<KeystoneAnswer>;
}

/** `invalid` when the file of authorities cannot be read. */
export function createKeystoneApi({ url, ...options }: KeystoneApiOptions): KeystoneApi {
	const http = open(options);
	const base = versionedUrl(url);
	return {
		async send({ path, ...request }) {
			try {
				const { body, ...answer } = await http.send({ ...request, url: `${base}${path}` });
				return { ...answer, body: jsonIn(body) };
			} catch (error) {
				request.signal.throwIfAborted();
				throw new ImageError('unavailable', (error as Error).message, { cause: error });
			}
		},
		[Symbol.dispose]: () => http[Symbol.dispose](),
	};
}

function open(options: Omit<KeystoneApiOptions, 'url'>): ServiceHttp {
	try {
		return createServiceHttp({ ...options, service: 'keystone', maxAnswerBytes: MAX_ANSWER_BYTES });
	} catch (cause) {
		throw new ImageError('invalid', `the certificates of ${options.caFile} cannot be read`, { cause });
	}
}

/** There is one version that Keystone speaks, and addresses in its own list of versions are often wrong behind proxies. */
function versionedUrl(url: string): string {
	return `${url.replace(/\/+$/, '').replace(/\/v\d+(\.\d+)?$/, '')}/v3`;
}
