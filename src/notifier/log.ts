import type { Notifier } from '#domain/ports/notifier.ts';
import type { Log } from '#lib/log.ts';
import { notificationOf } from './payload.ts';

/** Each event as one line of the log. */
export function createLogNotifier({ log }: { readonly log: Log }): Notifier {
	return {
		publish(event) {
			log.info({ notification: notificationOf(event) }, event.type);
		},
	};
}
