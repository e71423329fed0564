/** The key manager: secrets by their ids, for whoever may have them. This room never knows what a secret is for. */
import type { CallerCredential } from '#domain/context.ts';

export interface KeyManager {
	/** In the caller's name and no other: what is denied to them the node does not get for them. */
	as(caller: CallerCredential): AskSecret;
	/** In the node's own name; absent: the node is nobody there. */
	readonly asNode?: AskSecret;
}

/**
 * One request about one secret. Any status below 500 resolves, and `unreadable` when the answer is longer than
 * MAX_ANSWER_BYTES. `unavailable` when nothing comes in time, or that it is to be tried again; an abort is thrown as it is.
 */
export type AskSecret = (request: SecretRequest, signal: AbortSignal) => Promise<SecretAnswer | 'unreadable'>;

export interface SecretRequest {
	readonly method: 'GET' | 'DELETE';
	/** a UUID, and nothing else gets into a path */
	readonly id: string;
	/** absent: what is said of the secret */
	readonly part?: 'payload';
	/** media type */
	readonly accept?: string;
	/** microversion of the Key Manager API; absent: the oldest */
	readonly version?: '1.1';
}

export interface SecretAnswer {
	readonly status: number;
	readonly body: Buffer;
}

/** Far above any certificate, and above what is said of a secret. */
export const MAX_ANSWER_BYTES = 64 * 1024;
