/** Notifications to send, and a webhook receiver that checks what it is sent. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Notification } from '#notifier/payload.ts';

export function notification(number: number, over: Partial<Notification> = {}): Notification {
	return {
		message_id: crypto.randomUUID(),
		publisher_id: 'image.test',
		event_type: 'image.update',
		priority: 'INFO',
		payload: { number },
		timestamp: '2026-11-23 07:32:48.728000',
		...over,
	};
}

export const numberOf = ({ payload }: { readonly payload: unknown }): number => (payload as { readonly number: number }).number;

export interface Receiver extends AsyncDisposable {
	readonly url: string;
	/** what was accepted, in order, repetitions included */
	readonly accepted: readonly Notification[];
	/** deliveries whose signature or form was wrong */
	readonly wrong: readonly string[];
	/** what the next deliveries are answered with; `silence` never answers */
	answer(status: number | 'silence'): void;
	/** deliveries that came, whatever became of them */
	tried(): number;
}

/** Verifies as the Standard Webhooks specification tells a receiver to. */
export async function startReceiver(secret: string): Promise<Receiver> {
	const accepted: Notification[] = [];
	const wrong: string[] = [];
	let status: number | 'silence' = 204;
	let tried = 0;
	const server = createServer(async (request, response) => {
		tried += 1;
		const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
		const complaint = complaintOf(request, body, secret);
		if (complaint !== undefined) wrong.push(complaint);
		if (status === 'silence') return;
		if (status < 300) accepted.push(JSON.parse(body) as Notification);
		response.writeHead(status).end('x'.repeat(status >= 400 ? 100_000 : 0));
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
		accepted,
		wrong,
		answer: (next) => {
			status = next;
		},
		tried: () => tried,
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			server.close();
			await once(server, 'close');
		},
	};
}

function complaintOf({ headers, method }: IncomingMessage, body: string, secret: string): string | undefined {
	const [id, timestamp, signature] = ['id', 'timestamp', 'signature'].map((name) => headers[`webhook-${name}`]);
	const expected = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
	if (method !== 'POST' || headers['content-type'] !== 'application/json') return 'not a POST of JSON';
	if (signature !== `v1,${expected}`) return `signature ${signature}`;
	return (JSON.parse(body) as Notification).message_id === id ? undefined : 'the id is not that of the message';
}
