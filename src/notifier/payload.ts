/** Events in the shape Glance's consumers know. */
import type { DomainEvent } from '#domain/events.ts';
import { imageEventPayload } from './payloads/image.ts';
import { memberPayload } from './payloads/member.ts';
import { metadefPayload } from './payloads/metadef.ts';
import { taskPayload } from './payloads/task.ts';

/** What every sink is handed; the keys are those of oslo.messaging. */
export interface Notification {
	/** UUID; the same however often the notification is sent */
	readonly message_id: string;
	readonly publisher_id: string;
	readonly event_type: string;
	readonly priority: 'INFO' | 'ERROR';
	readonly payload: object | string;
	/** Python's spelling of UTC: 2026-11-23 07:32:48.728000 */
	readonly timestamp: string;
}

/** A failure has the type of what failed; its priority says so. */
export function eventType(event: DomainEvent): string {
	return event.type === 'image.upload.failed' ? 'image.upload' : event.type;
}

export function notificationOf(event: DomainEvent, publisherId: string): Notification {
	return {
		message_id: crypto.randomUUID(),
		publisher_id: publisherId,
		event_type: eventType(event),
		priority: event.priority === 'error' ? 'ERROR' : 'INFO',
		payload: payloadOf(event),
		timestamp: `${new Date(event.at).toISOString().slice(0, -1).replace('T', ' ')}000`,
	};
}

function payloadOf(event: DomainEvent): object | string {
	if ('task' in event) return taskPayload(event);
	if ('member' in event) return memberPayload(event);
	if ('image' in event) return imageEventPayload(event);
	return metadefPayload(event);
}
