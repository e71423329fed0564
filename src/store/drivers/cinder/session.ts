/** A conversation with Cinder under the store's own account: a token of Keystone's, and the address that the catalogue gives. */
import { setTimeout as pause } from 'node:timers/promises';
import { codeOf, type ErrorCode, ImageError } from '#domain/errors.ts';
import { isoTime } from '#lib/iso-time.ts';
import { singleFlight } from '#lib/single-flight.ts';
import { type JsonAnswer, type JsonRequest, openJsonHttp } from './json-http.ts';
import type { CinderSettings } from './settings.ts';

export interface Session extends Disposable {
	/** One request below the project's address. Statuses of 300 and more are thrown, save those that `expected` names. */
	ask(method: JsonRequest['method'], path: string, how: Asking): Promise<LastAnswer>;
}

export interface LastAnswer extends JsonAnswer {
	/** How often it was asked for; what an earlier request has done may not have been said. */
	readonly tries: number;
}

export interface Asking {
	readonly signal: AbortSignal;
	readonly body?: object;
	/** default 3.0 */
	readonly version?: string;
	readonly expected?: readonly number[];
	/** what an error is about; default cinder */
	readonly about?: string;
}

interface Admission {
	readonly token: string;
	readonly address: string;
	/** by performance.now() */
	readonly renewAtMs: number;
}

const FIRST_PAUSE_MS = 250;
const RENEW_AHEAD_MS = 60_000;

export function createSession(settings: CinderSettings): Session {
	const http = openJsonHttp(settings);
	const flight = singleFlight<Admission>();
	let admitted: Admission | undefined;

	async function login(): Promise<Admission> {
		const askedAt = performance.now();
		const answer = await http.send({
			method: 'POST',
			url: `${settings.authAddress}/v3/auth/tokens`,
			body: { auth: settings.auth },
			// ended by its own deadline: callers come and go
			signal: new AbortController().signal,
		});
		admitted = admissionOf(answer, settings, askedAt);
		return admitted;
	}
	async function admission(signal: AbortSignal): Promise<Admission> {
		if (admitted !== undefined && performance.now() < admitted.renewAtMs) return admitted;
		return flight('', signal, login);
	}
	async function once(
		method: JsonRequest['method'],
		path: string,
		{ signal, body, version = '3.0' }: Asking,
	): Promise<JsonAnswer> {
		for (let turn = 0; ; turn += 1) {
			const { token, address } = await admission(signal);
			const headers = { 'x-auth-token': token, 'openstack-api-version': `volume ${version}` };
			const answer = await http.send({ method, url: `${address}${path}`, headers, body, signal });
			if (answer.status !== 401 || turn > 0) return answer;
			// Keystone has forgotten it
			if (admitted?.token === token) admitted = undefined;
		}
	}

	return {
		async ask(method, path, how) {
			const tries = method === 'POST' ? 1 : settings.retries + 1;
			for (let turn = 1; ; turn += 1)
				try {
					return { ...checked(await once(method, path, how), how), tries: turn };
				} catch (error) {
					if (turn >= tries || codeOf(error) !== 'unavailable') throw error;
					await pause(FIRST_PAUSE_MS * 2 ** (turn - 1), undefined, { signal: how.signal }).catch(() =>
						how.signal.throwIfAborted(),
					);
				}
		},
		[Symbol.dispose]: () => http[Symbol.dispose](),
	};
}

const CODES: Readonly<Record<number, ErrorCode>> = {
	401: 'forbidden',
	403: 'forbidden',
	404: 'not-found',
	409: 'conflict',
	413: 'full',
	429: 'unavailable',
	502: 'unavailable',
	503: 'unavailable',
	504: 'unavailable',
};

function checked(answer: JsonAnswer, { expected = [], about = 'cinder' }: Asking): JsonAnswer {
	const { status, garbled } = answer;
	if (expected.includes(status)) return answer;
	// a page of somebody in between, who did not ask Cinder
	if (status < 300 && garbled) throw new ImageError('store-failed', `${about}: the answer is none of cinder's`);
	if (status < 300) return answer;
	const why = status === 413 ? "the project's quota is used up" : `cinder answers ${status}`;
	throw new ImageError(CODES[status] ?? 'store-failed', `${about}: ${why}`);
}

interface Token {
	readonly issued_at?: unknown;
	readonly expires_at?: unknown;
	readonly project?: { readonly id?: unknown };
	readonly user?: { readonly id?: unknown };
	readonly catalog?: unknown;
}

/** A wrong password is 401, an application credential or a project that does not exist 404. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 404]);

function admissionOf({ status, headers, body }: JsonAnswer, settings: CinderSettings, askedAt: number): Admission {
	if (REFUSALS.has(status)) throw new ImageError('forbidden', "keystone refuses the store's account");
	const subject = headers.get('x-subject-token');
	const token = (body as { readonly token?: Token } | undefined)?.token;
	if (status !== 201 || subject === null || typeof token !== 'object')
		throw new ImageError(status >= 500 || status === 429 ? 'unavailable' : 'store-failed', `a login to keystone gives ${status}`);
	const lifeMs = isoTime(String(token.expires_at)) - isoTime(String(token.issued_at));
	if (!(lifeMs > 0)) throw new ImageError('store-failed', 'keystone gives a token that ends before it begins, or never');
	return {
		token: subject,
		address: addressOf(token, settings).replace(/\/+$/, ''),
		renewAtMs: askedAt + lifeMs - Math.min(RENEW_AHEAD_MS, lifeMs / 5),
	};
}

function addressOf(token: Token, { endpointTemplate, catalog, region }: CinderSettings): string {
	if (endpointTemplate !== undefined) {
		const words: Readonly<Record<string, unknown>> = {
			project_id: token.project?.id,
			tenant_id: token.project?.id,
			user_id: token.user?.id,
		};
		return endpointTemplate.replace(/[%$]\((\w+)\)s/g, (_, word: string) => String(words[word] ?? ''));
	}
	for (const service of entries(token.catalog)) {
		if (service.type !== catalog.type || (catalog.name !== '' && service.name !== catalog.name)) continue;
		for (const { interface: face, region: its, region_id, url } of entries(service.endpoints))
			if (face === catalog.face && (region === undefined || region === its || region === region_id) && typeof url === 'string')
				return url;
	}
	throw new ImageError(
		'store-failed',
		`keystone's catalogue has no ${catalog.face} endpoint of type ${catalog.type} for the store`,
	);
}

function entries(value: unknown): readonly Readonly<Record<string, unknown>>[] {
	return Array.isArray(value) ? value.filter((each) => typeof each === 'object' && each !== null) : [];
}
