import type { Notifier } from '#domain/ports/notifier.ts';
import { eventType } from './payload.ts';

/**
 * Keeps events of the named types or groups from a sink. A group is any dotted prefix: `image` silences every image
 * event, `image.member` those of members only (in Glance that group matches nothing).
 */
export function withoutEvents(disabled: readonly string[], sink: Notifier): Notifier {
	return {
		publish(event) {
			const type = eventType(event);
			if (!disabled.some((name) => type === name || type.startsWith(`${name}.`))) sink.publish(event);
		},
	};
}
