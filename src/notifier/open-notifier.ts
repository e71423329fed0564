/**
 * Notifier: tells the world what happened. `publish` only hands over; whoever is slow or dead out there delays nobody in
 * here. This room knows payloads and transports; it never knows why something happened or who may hear of it.
 */
import type { Notifier } from '#domain/ports/notifier.ts';
import type { KeyValue } from '#lib/key-value.ts';
import type { Log } from '#lib/log.ts';
import { startCourier } from './courier.ts';
import { openOutbox } from './outbox.ts';
import { eventType, notificationOf } from './payload.ts';
import { type AmqpOptions, amqpSink } from './sinks/amqp.ts';
import { logNotifier } from './sinks/log.ts';
import { type WebhookOptions, webhookSink } from './sinks/webhook.ts';

export interface NotifierOptions {
	readonly publisherId: string;
	/** Event types, or groups: any dotted prefix. (In Glance the group `image.member` matches nothing.) */
	readonly disabled: readonly string[];
	/** every event as a line of the log */
	readonly log: boolean;
	readonly webhook?: Pick<WebhookOptions, 'url' | 'secret'>;
	readonly amqp?: Pick<AmqpOptions, 'url' | 'topics' | 'exchange'>;
}

interface NotifierParts {
	readonly options: NotifierOptions;
	/** of the outbox; stays the caller's */
	readonly kv: KeyValue;
	readonly log: Log;
	readonly clock: () => number;
}

/** Disposal delivers for a moment what is there, and keeps the rest for the next start. */
export async function openNotifier({ options, kv, log, clock }: NotifierParts): Promise<Notifier & AsyncDisposable> {
	const { publisherId, disabled } = options;
	const lines = options.log ? [logNotifier(log, publisherId)] : [];
	const sinks = [
		...(options.webhook ? [webhookSink({ ...options.webhook, clock })] : []),
		...(options.amqp ? [amqpSink(options.amqp)] : []),
	];
	await using stack = new AsyncDisposableStack();
	const outbox = await openOutbox({ kv, readers: sinks.map(({ name }) => name), log });
	for (const sink of sinks) stack.use(startCourier({ reader: outbox.reader(sink.name), sink, log }));
	// what was published last is written down before the couriers stop
	stack.use(outbox);
	const parts = stack.move();
	return {
		publish(event) {
			if (isDisabled(disabled, eventType(event))) return;
			for (const line of lines) line.publish(event);
			if (sinks.length > 0) outbox.add(notificationOf(event, publisherId));
		},
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

export function isDisabled(disabled: readonly string[], type: string): boolean {
	return disabled.some((name) => type === name || type.startsWith(`${name}.`));
}
