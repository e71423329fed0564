import { networks } from './networks.ts';
import type { Credentials, Identity } from './ports.ts';
import { ADMIN, adminTokenCheck } from './token.ts';

export interface OperatorOptions {
	/** kept in a file that only the node's own user can read */
	readonly adminToken: string;
	/** who everybody else is */
	readonly others: Identity;
}

/**
 * The operator on the node's own machine: whoever can read the data directory may use the CLI, also where Keystone or a
 * proxy says who everybody else is, and also when those are away. Never from another machine, and never by a proxy on
 * this one that says for whom it asks.
 */
export function withOperator({ adminToken, others }: OperatorOptions): Identity {
	const isOperator = adminTokenCheck(adminToken);
	const isThisMachine = networks(['127.0.0.0/8', '::1']);
	const isForwarded = (credentials: Credentials) => FORWARDED.some((name) => credentials.header(name) !== undefined);
	return {
		challenge: others.challenge,
		async identify(credentials) {
			if (isThisMachine(credentials.remoteAddress) && !isForwarded(credentials) && isOperator(credentials)) return ADMIN;
			return others.identify(credentials);
		},
	};
}

const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'] as const;
