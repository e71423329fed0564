import { networks } from './networks.ts';
import type { Identity } from './ports.ts';
import { createTokenIdentity } from './token.ts';

export interface OperatorOptions {
	/** kept in a file that only the node's own user can read */
	readonly adminToken: string;
	/** who everybody else is */
	readonly others: Identity;
}

/**
 * The operator on the node's own machine: whoever can read the data directory may use the CLI, also where Keystone or a
 * proxy says who everybody else is, and also when those are away. Never from another machine.
 */
export function withOperator({ adminToken, others }: OperatorOptions): Identity {
	const operator = createTokenIdentity({ adminToken });
	const isThisMachine = networks(['127.0.0.0/8', '::1']);
	return {
		challenge: others.challenge,
		async identify(credentials) {
			if (!isThisMachine(credentials.remoteAddress)) return others.identify(credentials);
			return operator.identify(credentials).catch(() => others.identify(credentials));
		},
	};
}
