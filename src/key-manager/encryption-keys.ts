/** The port of encryption keys: a secret is looked at, and deleted when nobody has registered that they use it. */
import type { CallerCredential } from '#domain/context.ts';
import { ImageError } from '#domain/errors.ts';
import type { EncryptionKeys } from '#domain/ports/encryption-keys.ts';
import { deadline } from '#lib/deadline.ts';
import type { KeyManager, SecretAnswer } from './ports.ts';

export interface EncryptionKeysOptions {
	readonly keyManager: KeyManager;
	/** for all that one key needs */
	readonly timeoutMs: number;
}

export function createEncryptionKeys({ keyManager, timeoutMs }: EncryptionKeysOptions): EncryptionKeys {
	return {
		async remove(id: string, caller: CallerCredential) {
			const late = new ImageError('unavailable', `the key manager did not answer within ${timeoutMs} ms`);
			using limit = deadline(timeoutMs, late, new AbortController().signal);
			const ask = keyManager.as(caller);
			// consumers are said from this version on; an older key manager knows none
			const found = given(await ask({ method: 'GET', id, version: '1.1' }, limit.signal), [200]);
			if (hasConsumers(found)) throw new ImageError('conflict', 'others have registered that they use it');
			given(await ask({ method: 'DELETE', id }, limit.signal), [200, 204]);
		},
	};
}

function given(answer: SecretAnswer | 'unreadable', wanted: readonly number[]): Buffer {
	const said = answer === 'unreadable' ? 'more than can be read' : answer.status;
	if (answer !== 'unreadable' && wanted.includes(answer.status)) return answer.body;
	if (said === 404) throw new ImageError('not-found', 'the key manager has no such key');
	if (said === 401 || said === 403) throw new ImageError('forbidden', 'the key manager does not allow it to this caller');
	throw new ImageError('unavailable', `the key manager answers ${said}`);
}

/** When in doubt there are some. */
function hasConsumers(body: Buffer): boolean {
	try {
		const { consumers = [] } = JSON.parse(body.toString()) as { readonly consumers?: readonly unknown[] };
		return !Array.isArray(consumers) || consumers.length > 0;
	} catch (cause) {
		throw new ImageError('unavailable', 'the key manager answers what cannot be read', { cause });
	}
}
