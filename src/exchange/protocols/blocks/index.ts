/** blocks/1: the verified blocks that this node holds, to members only. One stream is one conversation about one content. */
import type { Limits } from '#exchange/limits.ts';
import type { Protocol } from '../protocol.ts';
import { BLOCKS_PROTOCOL } from './constants.ts';
import { type BlocksServerOptions, createBlocksServer } from './server.ts';

export function blocksProtocol(
	options: BlocksServerOptions & { readonly limits: Pick<Limits, 'maxBlockStreams' | 'maxMembers'> },
): Protocol {
	return {
		id: BLOCKS_PROTOCOL,
		// refused with a word by the server itself; only what is far beyond is reset unheard
		maxInboundStreams: 4 * options.limits.maxBlockStreams,
		maxOutboundStreams: 4 * options.limits.maxBlockStreams,
		forStrangers: false,
		serve: createBlocksServer(options),
	};
}
