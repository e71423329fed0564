import type { Notifier } from '#domain/ports/notifier.ts';
import type { Log } from '#lib/log.ts';
import { notificationOf } from '../payload.ts';

/** Each event as one line of the log. Nothing waits for it and nothing is kept, so it needs no outbox. */
export function logNotifier(log: Log, publisherId: string): Notifier {
	return {
		publish(event) {
			log.info({ request: event.requestId, notification: notificationOf(event, publisherId) }, event.type);
		},
	};
}
