/** The port of signatures: what the properties claim, the certificate from wherever it is, and the check that it allows. */
import { codeOf } from '#domain/errors.ts';
import type { Signatures } from '#domain/ports/signatures.ts';
import type { Log } from '#lib/log.ts';
import { claimOf } from './claim.ts';
import type { Certificates } from './ports.ts';
import { refusal } from './refusal.ts';
import { createCheck } from './verification.ts';

export interface SignaturesOptions {
	/** asked in this order, until one has it */
	readonly certificates: readonly Certificates[];
	readonly log: Log;
}

/** Nothing is remembered between images: a certificate that was taken away, or was never meant for a caller, counts at once. */
export function createSignatures({ certificates, log }: SignaturesOptions): Signatures {
	const find: Certificates['find'] = async (id, ctx) => {
		for (const place of certificates) {
			const found = await place.find(id, ctx);
			if (found !== undefined) return found;
		}
		return undefined;
	};
	return {
		async begin(properties, ctx) {
			try {
				const claim = claimOf(properties);
				if (claim === undefined) return undefined;
				const certificate = await find(claim.certificate, ctx);
				if (certificate === undefined) throw refusal(`there is no certificate ${claim.certificate}`);
				return createCheck(claim, certificate);
			} catch (error) {
				if (codeOf(error) === 'unavailable') log.warn({ err: error, requestId: ctx.requestId }, 'a signature cannot be checked');
				throw error;
			}
		},
	};
}
