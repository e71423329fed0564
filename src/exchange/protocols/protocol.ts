/** What every protocol of the peers' door declares: one folder each, one line in `index.ts` beside this file. */
import type { Connection, Stream } from '@libp2p/interface';

export interface Protocol {
	readonly id: string;
	/** on one connection, per direction; libp2p resets what is beyond */
	readonly maxInboundStreams: number;
	readonly maxOutboundStreams: number;
	/** hello alone: it is how a stranger becomes a member */
	readonly forStrangers: boolean;
	/** Settles when the conversation is over; a failure resets the stream. */
	serve(stream: Stream, connection: Connection): Promise<void>;
}
