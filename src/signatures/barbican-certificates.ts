/**
 * Certificates that Barbican keeps: the secret's metadata, then its payload, as castellan asks.
 *
 * A caller who has shown a token is asked for with that token and nothing else. Work without a caller's token (tasks) is
 * done with the node's own; then there is one answer for every certificate that cannot be used, so that nobody learns by it
 * whose secrets exist, or of what kind.
 */
import { ImageError } from '#domain/errors.ts';
import type { AskSecret, KeyManager, SecretAnswer } from '#key-manager/ports.ts';
import type { Log } from '#lib/log.ts';
import type { Certificates } from './ports.ts';
import { refusal } from './refusal.ts';

export interface BarbicanCertificatesOptions {
	readonly keyManager: KeyManager;
	readonly log: Log;
}

export function createBarbicanCertificates({ keyManager, log }: BarbicanCertificatesOptions): Certificates {
	return {
		async find(id, { credential, signal }) {
			try {
				const ask = credential === undefined ? keyManager.asNode : keyManager.as(credential);
				if (ask === undefined) throw new Denied('is in barbican, where this node is nobody');
				return await certificateBy(ask, id, signal);
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

async function certificateBy(ask: AskSecret, id: string, signal: AbortSignal): Promise<Uint8Array> {
	const { secret_type, status, content_types } = metadataIn(given(await ask({ method: 'GET', id }, signal)));
	// another secret's payload is none of ours: it is not even fetched
	if (secret_type !== 'certificate') throw new Denied('is another kind of secret in barbican');
	if (status !== undefined && status !== 'ACTIVE') throw new Denied('is not active in barbican');
	const stored = (content_types as { readonly default?: unknown } | undefined)?.default;
	const accept = String(stored).startsWith('text/plain') ? 'text/plain' : 'application/octet-stream';
	return given(await ask({ method: 'GET', id, part: 'payload', accept }, signal));
}

function metadataIn(body: Buffer): Readonly<Record<string, unknown>> {
	try {
		const parsed: unknown = JSON.parse(body.toString());
		if (typeof parsed === 'object' && parsed !== null) return parsed as Readonly<Record<string, unknown>>;
	} catch {
		// what it complains about quotes the text
	}
	throw new ImageError('unavailable', 'barbican answers what cannot be read');
}

function given(answer: SecretAnswer | 'unreadable'): Buffer {
	if (answer === 'unreadable') throw new Denied('is longer than any certificate');
	const { status, body } = answer;
	if (status === 200) return body;
	if (status === 404) throw new Denied('was not found in barbican');
	if (status === 401 || status === 403) throw new Denied('may not be read in barbican by this caller');
	throw new Denied(`cannot be retrieved from barbican, which answers ${status}`);
}
