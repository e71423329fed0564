/** JSON asked of Keystone and Cinder, in the words of stores. */
import { ImageError } from '#domain/errors.ts';
import { createServiceHttp, jsonIn, ServiceError, type ServiceHttp, type ServiceRequest } from '#lib/service-http.ts';
import type { CinderSettings } from './settings.ts';

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const ANSWER_MS = 60_000;

export interface JsonRequest extends ServiceRequest {
	readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
}

export interface JsonAnswer {
	readonly status: number;
	readonly headers: Headers;
	/** undefined when there is none, or it is not JSON */
	readonly body: unknown;
	/** there is a body, and it is not JSON */
	readonly garbled: boolean;
}

export interface JsonHttp extends Disposable {
	/** Any status resolves. `unavailable` when there is no answer in time, `store-failed` when it is too long. */
	send(request: JsonRequest): Promise<JsonAnswer>;
}

export function openJsonHttp({ caFile, insecure }: Pick<CinderSettings, 'caFile' | 'insecure'>): JsonHttp {
	const http = open({ caFile, insecure });
	return {
		async send(request) {
			try {
				// who asks must know that something was asked before: a volume that is being deleted refuses to be
				const { body: bytes, ...answer } = await http.send({ ...request, repeatable: request.method === 'GET' });
				const body = jsonIn(bytes);
				return { ...answer, body, garbled: bytes.length > 0 && body === undefined };
			} catch (error) {
				if (!(error instanceof ServiceError)) throw error;
				throw new ImageError(error.code === 'unavailable' ? 'unavailable' : 'store-failed', error.message, { cause: error });
			}
		},
		[Symbol.dispose]: () => http[Symbol.dispose](),
	};
}

function open(tls: Pick<CinderSettings, 'caFile' | 'insecure'>): ServiceHttp {
	try {
		return createServiceHttp({ ...tls, service: "the cloud's API", timeoutMs: ANSWER_MS, maxAnswerBytes: MAX_ANSWER_BYTES });
	} catch (cause) {
		throw new ImageError('store-failed', 'the file of cinder_ca_certificates_file cannot be read', { cause });
	}
}
