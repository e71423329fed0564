/** Barbican as the key manager. Key Manager API v1, "Secrets", as castellan speaks it. */
import assert from 'node:assert/strict';
import { ImageError } from '#domain/errors.ts';
import type { ServiceAccess } from '#keystone/ports.ts';
import { UUID } from '#lib/uuid.ts';
import type { BarbicanHttp } from './barbican-http.ts';
import type { BarbicanPlace } from './barbican-place.ts';
import type { AskSecret, KeyManager, SecretRequest } from './ports.ts';

export interface BarbicanOptions {
	readonly http: BarbicanHttp;
	readonly place: BarbicanPlace;
	/** the node's own; absent: only callers who have shown a token are asked for */
	readonly access?: ServiceAccess;
	/** the node's own token goes with the caller's, so that one that ends meanwhile still counts */
	readonly sendServiceToken: boolean;
}

export function createBarbican({ http, place, access, sendServiceToken }: BarbicanOptions): KeyManager {
	async function ask(request: SecretRequest, tokens: Readonly<Record<string, string>>, signal: AbortSignal) {
		const { method, id, part, accept = 'application/json', version } = request;
		assert.match(id, UUID);
		const url = `${await place(signal)}/v1/secrets/${id}${part === undefined ? '' : `/${part}`}`;
		const wanted = version === undefined ? {} : { 'openstack-api-version': `key-manager ${version}` };
		const answer = await http.ask(method, url, { accept, ...wanted, ...tokens }, signal);
		if (answer !== 'unreadable' && (answer.status >= 500 || answer.status === 429))
			throw new ImageError('unavailable', `barbican answers ${answer.status}`);
		return answer;
	}

	function asNodeBy({ token, forget }: ServiceAccess): AskSecret {
		return async (request, signal) => {
			const own = await token(signal);
			const answer = await ask(request, { 'x-auth-token': own }, signal);
			if (answer === 'unreadable' || answer.status !== 401) return answer;
			forget(own);
			return ask(request, { 'x-auth-token': await token(signal) }, signal);
		};
	}

	return {
		as: (caller) => async (request, signal) => {
			const own = sendServiceToken && access !== undefined ? { 'x-service-token': await access.token(signal) } : {};
			return ask(request, { 'x-auth-token': caller.token(), ...own }, signal);
		},
		...(access && { asNode: asNodeBy(access) }),
	};
}
