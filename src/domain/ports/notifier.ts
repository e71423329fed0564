import type { DomainEvent } from '../events.ts';

/** Takes an event and never throws, never delays an answer. */
export interface Notifier {
	publish(event: DomainEvent): void;
}
