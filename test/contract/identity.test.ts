/** What every identity promises, whoever it asks. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CallerCredential } from '#domain/context.ts';
import { codeOf } from '#domain/errors.ts';
import { identities } from '#identity/index.ts';
import type { Identity } from '#identity/ports.ts';
import { createKeystone } from '#keystone/keystone.ts';
import { silentLog } from '#lib/log.ts';
import { credentials, type SentHeaders } from '../support/credentials.ts';
import { FORGERIES } from '../support/forged-headers.ts';
import { spelledOut } from '../support/kept-log.ts';
import { PASSWORD, startKeystoneDouble, tokenBody } from '../support/keystone-double.ts';

interface Subject {
	open(stack: AsyncDisposableStack): Promise<Identity>;
	/** headers of somebody who is known */
	readonly known: SentHeaders;
	readonly stranger: SentHeaders;
	/** Who they come from; the proxy is at 10.0.0.1. */
	readonly address?: string;
}

const CANARY = 'canary-of-a-token';

const subjects: Readonly<Record<keyof typeof identities, Subject>> = {
	none: { open: async () => identities.none(), known: { host: '127.0.0.1' }, stranger: { host: 'evil.example' } },
	token: {
		open: async () => identities.token({ adminToken: 'admin-token' }),
		known: { 'x-auth-token': 'admin-token' },
		stranger: { 'x-auth-token': CANARY },
	},
	proxy: {
		open: async () => identities.proxy({ trusted: ['10.0.0.1'], anonymousRead: false }),
		known: { 'x-identity-status': 'Confirmed', 'x-user-id': 'u', 'x-project-id': 'p', 'x-roles': 'Member' },
		stranger: { 'x-identity-status': 'Invalid', 'x-auth-token': CANARY },
		address: '10.0.0.1',
	},
	keystone: { open: keystoneIdentity, known: { 'x-auth-token': 'users-token' }, stranger: { 'x-auth-token': CANARY } },
};

async function keystoneIdentity(stack: AsyncDisposableStack): Promise<Identity> {
	const double = stack.use(await startKeystoneDouble());
	double.tokens.set('users-token', tokenBody());
	const keystone = stack.use(
		createKeystone({
			url: double.url,
			credential: { kind: 'application-credential', id: 'node', secret: PASSWORD },
			timeoutMs: 5000,
			insecure: false,
			clock: Date.now,
			log: silentLog,
		}),
	);
	return identities.keystone({
		keystone,
		publicUrl: double.url,
		tokenCacheMs: 300_000,
		serviceTokenRoles: ['service'],
		serviceTokenRolesRequired: true,
		serviceType: 'image',
		anonymousRead: false,
		clock: Date.now,
		log: silentLog,
	});
}

const unauthenticated = (error: unknown) => codeOf(error) === 'unauthenticated';

for (const [name, { open, known, stranger, address = '127.0.0.1' }] of Object.entries(subjects)) {
	describe(`identity: ${name}`, () => {
		async function using(
			use: (who: (headers: SentHeaders, from?: string) => ReturnType<Identity['identify']>, identity: Identity) => Promise<void>,
		) {
			await using stack = new AsyncDisposableStack();
			const identity = await open(stack);
			await use(
				(headers, from = address) => identity.identify(credentials(headers, { remoteAddress: from })).then(comparable),
				identity,
			);
		}

		it('knows somebody, always as the same, and by roles in lower case', () =>
			using(async (who) => {
				const subject = await who(known);
				assert.deepEqual(await who(known), subject);
				assert.deepEqual(
					subject.roles,
					subject.roles.map((role) => role.toLowerCase()),
				);
				assert.notEqual(subject.readOnly, true);
			}));

		it('refuses a stranger and whoever says nothing, in words that do not repeat what was sent', () =>
			using(async (who) => {
				for (const headers of [stranger, {}])
					await assert.rejects(who(headers), (error) => unauthenticated(error) && !spelledOut(error).includes(CANARY));
			}));

		it('has a challenge that can stand in a header', () =>
			using(async (_, { challenge }) => assert.match(challenge, /^[A-Za-z]+ [a-z]+="[\x20-\x7e]+"$/)));

		it('takes what clients say of themselves for nothing', () =>
			using(async (who) => {
				const subject = name === 'proxy' ? undefined : await who(known);
				for (const forgery of FORGERIES.map(asHeaders)) {
					// a stranger to the proxy's identity is whoever does not come through the proxy
					const from = name === 'proxy' ? '10.0.0.2' : address;
					await assert.rejects(who({ ...forgery, ...stranger }, from), unauthenticated);
					if (subject === undefined) await assert.rejects(who({ ...known, ...forgery }, from), unauthenticated);
					else assert.deepEqual(await who({ ...forgery, ...known }), subject);
				}
			}));
	});
}

type Identified = Awaited<ReturnType<Identity['identify']>>;

/** A credential is a function, the same one for the same token as far as these tests go. */
function comparable({ credential, ...subject }: Identified): Identified {
	return credential === undefined ? subject : { ...subject, credential: sameFor(credential.token()) };
}

const credentialsByToken = new Map<string, CallerCredential>();

function sameFor(token: string): CallerCredential {
	const known = credentialsByToken.get(token) ?? { token: () => token };
	credentialsByToken.set(token, known);
	return known;
}

/** As Node hands them on: names in lower case, lines of one name together. */
function asHeaders(lines: readonly string[]): SentHeaders {
	const headers: Record<string, string[]> = {};
	for (const line of lines) {
		const colon = line.indexOf(':');
		const key = line.slice(0, colon).toLowerCase();
		headers[key] = [...(headers[key] ?? []), line.slice(colon + 1).trim()];
	}
	return headers;
}
