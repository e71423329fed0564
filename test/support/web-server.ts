/** A small server of the web on loopback: what it was asked, and answers that a test chooses. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WebServer extends AsyncDisposable {
	readonly port: number;
	/** `http://127.0.0.1:port` */
	readonly url: string;
	/** every request so far, and every connection that brought none */
	readonly requests: readonly string[];
	connections(): number;
}

export type WebAnswer = (request: IncomingMessage, response: ServerResponse) => void;

export async function startWebServer(answer: WebAnswer, host = '127.0.0.1'): Promise<WebServer> {
	const requests: string[] = [];
	let connections = 0;
	const server = createServer((request, response) => {
		requests.push(`${request.method} ${request.headers.host}${request.url}`);
		answer(request, response);
	});
	server.on('connection', () => {
		connections += 1;
	});
	server.listen(0, host);
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	return {
		port,
		url: `http://127.0.0.1:${port}`,
		requests,
		connections: () => connections,
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			server.close();
			await once(server, 'close');
		},
	};
}
