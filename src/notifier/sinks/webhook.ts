/**
 * Notifications by HTTP POST, one a request, signed as the Standard Webhooks specification says: `webhook-id` is the
 * notification's message_id, `webhook-timestamp` the seconds of the epoch at sending, and `webhook-signature` is `v1,` and
 * the base64 of HMAC-SHA256(secret, `<id>.<timestamp>.<body>`). Receivers refuse old timestamps and remember ids.
 */
import { createHmac } from 'node:crypto';
import type { Notification } from '../payload.ts';
import { RefusedNotification, type Sink } from '../sink.ts';

export interface WebhookOptions {
	/** http or https; never followed elsewhere */
	readonly url: string;
	/** text of any length; `whsec_` and base64 means the bytes */
	readonly secret: string;
	/** UTC milliseconds */
	readonly clock: () => number;
	/** from connecting to the end of the answer */
	readonly timeoutMs?: number;
}

/** What these mean will not change by sending the same again. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422]);

export function webhookSink({ url, secret, clock, timeoutMs = 15_000 }: WebhookOptions): Sink {
	const key = keyOf(secret);

	async function post(notification: Notification, signal: AbortSignal): Promise<void> {
		const body = JSON.stringify(notification);
		const id = notification.message_id;
		const timestamp = String(Math.floor(clock() / 1000));
		const response = await fetch(url, {
			method: 'POST',
			redirect: 'manual',
			headers: {
				'content-type': 'application/json',
				'user-agent': 'sundog',
				'webhook-id': id,
				'webhook-timestamp': timestamp,
				'webhook-signature': `v1,${signature(key, `${id}.${timestamp}.${body}`)}`,
			},
			body,
			signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
		});
		// what it says is nobody's business here, and may be without end
		await response.body?.cancel();
		if (response.ok) return;
		const text = `the webhook answered ${response.status}`;
		throw REFUSALS.has(response.status) ? new RefusedNotification(text) : new Error(text);
	}

	return {
		name: 'webhook',
		batch: 1,
		async deliver(notifications, { signal }) {
			for (const notification of notifications) await post(notification, signal);
		},
		[Symbol.asyncDispose]: async () => {},
	};
}

function keyOf(secret: string): Buffer {
	const encoded = /^whsec_(?<base64>[A-Za-z0-9+/]+=*)$/.exec(secret)?.groups?.base64;
	return encoded === undefined ? Buffer.from(secret) : Buffer.from(encoded, 'base64');
}

function signature(key: Buffer, text: string): string {
	return createHmac('sha256', key).update(text).digest('base64');
}
