/** hello/1: the first and, for a stranger, the only conversation. Certificates go both ways; a token gets a first one. */
import type { Protocol } from '../protocol.ts';
import { HELLO_PROTOCOL, MAX_HELLO_STREAMS } from './constants.ts';
import { createHelloServer, type HelloServerOptions } from './server.ts';

export function helloProtocol(options: HelloServerOptions): Protocol {
	return {
		id: HELLO_PROTOCOL,
		maxInboundStreams: MAX_HELLO_STREAMS,
		maxOutboundStreams: MAX_HELLO_STREAMS,
		forStrangers: true,
		serve: createHelloServer(options),
	};
}
