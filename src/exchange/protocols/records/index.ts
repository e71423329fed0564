/** records/1: ships logs. Whoever wants entries opens the stream and pulls; both sides do, so both logs travel. */
import type { Protocol } from '../protocol.ts';
import { MAX_RECORDS_STREAMS, RECORDS_PROTOCOL } from './constants.ts';
import { createRecordsServer, type RecordsServerOptions } from './server.ts';

export function recordsProtocol(options: RecordsServerOptions): Protocol {
	return {
		id: RECORDS_PROTOCOL,
		maxInboundStreams: MAX_RECORDS_STREAMS,
		maxOutboundStreams: MAX_RECORDS_STREAMS,
		forStrangers: false,
		serve: createRecordsServer(options),
	};
}
