/** Bounded requests to one Barbican, in the words of images. */
import { ImageError } from '#domain/errors.ts';
import { createServiceHttp, ServiceError, type ServiceHttp } from '#lib/service-http.ts';
import { MAX_ANSWER_BYTES, type SecretAnswer, type SecretRequest } from './ports.ts';

/** Requests wait for each other beyond this, within their own time. */
const MAX_CONNECTIONS = 8;

export interface BarbicanHttpOptions {
	/** of one request, its time in the queue included */
	readonly timeoutMs: number;
	/** absent: the authorities of Node and of the system */
	readonly caFile?: string;
	/** true: certificates are not checked */
	readonly insecure: boolean;
}

export interface BarbicanHttp extends Disposable {
	/** Any status resolves; a body that is too long is `unreadable`. `unavailable` when there is no answer in time; an abort is thrown as it is. */
	ask(
		method: SecretRequest['method'],
		url: string,
		headers: Readonly<Record<string, string>>,
		signal: AbortSignal,
	): Promise<SecretAnswer | 'unreadable'>;
}

/** `invalid` when the file of authorities cannot be read. */
export function createBarbicanHttp(options: BarbicanHttpOptions): BarbicanHttp {
	const http = open(options);
	return {
		async ask(method, url, headers, signal) {
			try {
				return await http.send({ method, url, headers, signal });
			} catch (error) {
				if (!(error instanceof ServiceError)) throw error;
				if (error.code === 'unreadable') return 'unreadable';
				throw new ImageError('unavailable', error.message, { cause: error });
			}
		},
		[Symbol.dispose]: () => http[Symbol.dispose](),
	};
}

function open(options: BarbicanHttpOptions): ServiceHttp {
	const bounds = { service: 'barbican', maxAnswerBytes: MAX_ANSWER_BYTES, maxConnections: MAX_CONNECTIONS };
	try {
		return createServiceHttp({ ...options, ...bounds });
	} catch (cause) {
		throw new ImageError('invalid', `the certificates of ${options.caFile} cannot be read`, { cause });
	}
}
