import type { Notification } from './payload.ts';

/**
 * Where notifications go. To add one: a file in sinks/, a line in open-notifier.ts, a row in test/contract/notifier-sink.
 */
export interface Sink extends AsyncDisposable {
	/** webhook, amqp: names its place in the outbox, its log lines, and the setting that made it */
	readonly name: string;
	/** how many notifications one `deliver` may be handed */
	readonly batch: number;
	/**
	 * Hands all of them over, in order; resolves when the other side has confirmed them. Anything else is a rejection, and
	 * the same notifications come again: the other side tells repetitions by `message_id`.
	 */
	deliver(notifications: readonly Notification[], options: { readonly signal: AbortSignal }): Promise<void>;
}

/** The other side will never take this notification, whatever its state: sending it for ever would hold up all others. */
export class RefusedNotification extends Error {
	override readonly name = 'RefusedNotification';
}
