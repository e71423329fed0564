/**
 * Tokens and what Keystone said of them. Answers are kept under a keyed digest, so that neither the memory of this
 * process nor an order of comparing gives a token away; many who bring one token at the same time ask once.
 */
import { hash, randomBytes } from 'node:crypto';
import { ImageError } from '#domain/errors.ts';
import type { Keystone } from '#keystone/ports.ts';
import { boundedCache } from '#lib/bounded-cache.ts';
import type { Log } from '#lib/log.ts';
import { singleFlight } from '#lib/single-flight.ts';
import { createRevocations } from './revocations.ts';
import { readToken, type ValidToken } from './token-facts.ts';

export interface Validations {
	/**
	 * What this token says, or undefined when it is not valid. With `allowExpired` one that has ended counts while
	 * Keystone still knows it. `unavailable` when Keystone does not say.
	 */
	validate(
		token: string,
		options: { readonly allowExpired: boolean; readonly signal: AbortSignal },
	): Promise<ValidToken | undefined>;
}

export interface ValidationsOptions {
	readonly keystone: Keystone;
	/** how long an answer is believed; 0 asks each time */
	readonly tokenCacheMs: number;
	/** how long at most a revocation may go unnoticed, where Keystone lists revocations */
	readonly revocationMs: number;
	readonly clock: () => number;
	readonly log: Log;
}

/** Long enough for a client in a loop, short enough for a Keystone whose parts learn of a token one after the other. */
const REFUSAL_MS = 5000;
/** Characters, roughly: tens of thousands of tokens. */
const MAX_WEIGHT = 16 * 1024 * 1024;
const ENTRY_WEIGHT = 256;

interface Answer {
	readonly token: ValidToken | undefined;
	readonly until: number;
}

export function createValidations(options: ValidationsOptions): Validations {
	const { keystone, tokenCacheMs, revocationMs, clock, log } = options;
	// as long as a block of the hash; digests never leave, so nothing is gained by the second round of an HMAC
	const secret = randomBytes(32).toString('hex');
	const answers = boundedCache<Answer>(MAX_WEIGHT);
	const flight = singleFlight<Answer>();
	let epoch = 0;
	const onNews = (): void => {
		// what is being asked at this moment may have been answered before the news
		epoch++;
		answers.clear();
	};
	const revocations = createRevocations({ keystone, withinMs: revocationMs, clock, log, onNews });

	async function ask(key: string, token: string, allowExpired: boolean): Promise<Answer> {
		const before = epoch;
		const asked = clock();
		const valid = await askKeystone(keystone, token, allowExpired);
		const keptMs = valid === undefined ? Math.min(REFUSAL_MS, tokenCacheMs) : tokenCacheMs;
		const answer = { token: valid, until: asked + keptMs };
		if (before === epoch && keptMs > 0) answers.set(key, answer, ENTRY_WEIGHT + JSON.stringify(valid ?? null).length);
		return answer;
	}

	async function cached(key: string, signal: AbortSignal): Promise<Answer | undefined> {
		if (answers.get(key) === undefined) return undefined;
		// where answers are younger than the last look may be, there is nothing to look for
		if (tokenCacheMs > revocationMs) await revocations.lookedAt(signal);
		const answer = answers.get(key);
		return answer !== undefined && clock() < answer.until ? answer : undefined;
	}

	return {
		async validate(token, { allowExpired, signal }) {
			// two questions with two answers: they do not share a place
			const key = `${allowExpired ? '+' : '-'}${hash('sha256', secret + token, 'base64')}`;
			const answer = (await cached(key, signal)) ?? (await flight(`${epoch}${key}`, signal, () => ask(key, token, allowExpired)));
			const hasEnded = answer.token !== undefined && answer.token.expiresAt <= clock();
			return hasEnded && !allowExpired ? undefined : answer.token;
		},
	};
}

async function askKeystone(keystone: Keystone, token: string, allowExpired: boolean): Promise<ValidToken | undefined> {
	const { status, body } = await keystone.ask({
		method: 'GET',
		path: '/auth/tokens',
		query: { nocatalog: '', ...(allowExpired && { allow_expired: '1' }) },
		// without the second one Keystone knows nothing of tokens that are restricted
		headers: { 'x-subject-token': token, 'openstack-identity-access-rules': '1.0' },
		// ended by the conversation's own time limit: whoever asked may go, the answer is for others too
		signal: new AbortController().signal,
	});
	if (status === 404) return undefined;
	if (status !== 200) throw new ImageError('unavailable', `keystone validates no token: it answered with status ${status}`);
	const valid = readToken(body);
	if (valid === undefined) throw new ImageError('unavailable', 'keystone said of a token what cannot be read');
	return valid;
}
