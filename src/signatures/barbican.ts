/**
 * Certificates that Barbican keeps. Key Manager API v1, "Secrets": the secret's metadata, then its payload, as castellan asks.
 *
 * A caller who has shown a token is asked for with that token and nothing else: what Barbican denies them the node does not
 * get for them. Work without a caller's token (tasks) is done with the node's own; then there is one answer for every
 * certificate that cannot be used, so that nobody learns by it whose secrets exist, or of what kind.
 */
import { ImageError } from '#domain/errors.ts';
import type { ServiceAccess } from '#keystone/ports.ts';
import type { Log } from '#lib/log.ts';
import type { BarbicanAnswer, BarbicanHttp } from './barbican-http.ts';
import type { BarbicanPlace } from './barbican-place.ts';
import type { Certificates } from './ports.ts';
import { refusal } from './refusal.ts';

export interface BarbicanOptions {
	readonly http: BarbicanHttp;
	readonly place: BarbicanPlace;
	/** the node's own; absent: only callers who have shown a token are asked for */
	readonly access?: ServiceAccess;
	/** the node's own token goes with the caller's, so that one that ends meanwhile still counts */
	readonly sendServiceToken: boolean;
	readonly log: Log;
}

type Ask = (url: string, accept: string) => Promise<BarbicanAnswer>;

export function createBarbican({ http, place, access = NOBODY, sendServiceToken, log }: BarbicanOptions): Certificates {
	const get = async (url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal) => {
		const answer = await http.get(url, headers, signal);
		if (answer === 'unreadable') throw new Denied('is longer than any certificate');
		if (answer.status >= 500 || answer.status === 429)
			throw new ImageError('unavailable', `barbican, which keeps the certificates of images, answers ${answer.status}`);
		return answer;
	};

	const inTheNameOf =
		(token: string, signal: AbortSignal): Ask =>
		async (url, accept) => {
			const own = sendServiceToken ? { 'x-service-token': await access.token(signal) } : {};
			return get(url, { accept, 'x-auth-token': token, ...own }, signal);
		};

	const asTheNode =
		(signal: AbortSignal): Ask =>
		async (url, accept) => {
			const once = async (token: string) => get(url, { accept, 'x-auth-token': token }, signal);
			const token = await access.token(signal);
			const answer = await once(token);
			if (answer.status !== 401) return answer;
			access.forget(token);
			return once(await access.token(signal));
		};

	return {
		async find(id, { credential, signal }) {
			const ask = credential === undefined ? asTheNode(signal) : inTheNameOf(credential.token(), signal);
			try {
				return await certificateAt(`${await place(signal)}/v1/secrets/${id}`, ask);
			} catch (error) {
				if (!(error instanceof Denied)) throw error;
				log.info(
					{ certificate: id, why: error.message, by: credential === undefined ? 'node' : 'caller' },
					'no certificate of barbican',
				);
				throw refusal(credential === undefined ? `certificate ${id} cannot be had` : `certificate ${id} ${error.message}`);
			}
		},
	};
}

/** Why there is none, to follow the id. */
class Denied extends Error {}

const NOBODY: ServiceAccess = {
	token: () => Promise.reject(new Denied('is in barbican, where this node is nobody')),
	forget() {},
};

async function certificateAt(url: string, ask: Ask): Promise<Uint8Array> {
	const { secret_type, status, content_types } = metadataIn(await ask(url, 'application/json'));
	// another secret's payload is none of ours: it is not even fetched
	if (secret_type !== 'certificate') throw new Denied('is another kind of secret in barbican');
	if (status !== undefined && status !== 'ACTIVE') throw new Denied('is not active in barbican');
	const stored = (content_types as { readonly default?: unknown } | undefined)?.default;
	const accept = String(stored).startsWith('text/plain') ? 'text/plain' : 'application/octet-stream';
	return assertGiven(await ask(`${url}/payload`, accept)).body;
}

function metadataIn(answer: BarbicanAnswer): Readonly<Record<string, unknown>> {
	const text = assertGiven(answer).body.toString();
	try {
		const parsed: unknown = JSON.parse(text);
		if (typeof parsed === 'object' && parsed !== null) return parsed as Readonly<Record<string, unknown>>;
	} catch {
		// what it complains about quotes the text
	}
	throw new ImageError('unavailable', 'barbican, which keeps the certificates of images, answers what cannot be read');
}

function assertGiven(answer: BarbicanAnswer): BarbicanAnswer {
	const { status } = answer;
	if (status === 200) return answer;
	if (status === 404) throw new Denied('was not found in barbican');
	if (status === 401 || status === 403) throw new Denied('may not be read in barbican by this caller');
	throw new Denied(`cannot be retrieved from barbican, which answers ${status}`);
}
