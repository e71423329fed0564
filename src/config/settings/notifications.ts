/** Who hears of what happened. */
import type { NotificationsConfig } from '../config.ts';
import { parseHttpUrl } from '../parse.ts';
import { parseAnyWords, parseBoolean, parsePassword, parseWord, parseWords } from '../parse-values.ts';
import { many, one, type Refuse, secret, type Values } from './setting.ts';

export const notificationSettings = {
	notificationsPublisherId: one(
		{
			key: 'notifications.publisher_id',
			hint: 'name',
			help: 'who notifications say they are from',
			byDefault: 'image.localhost',
		},
		parseWord,
	),
	notificationsDisabled: many(
		{
			key: 'notifications.disabled',
			hint: 'type,…',
			help: 'event types, or groups such as `image` and `image.member`, that are not sent',
			byDefault: 'none',
		},
		parseAnyWords,
	),
	notificationsLog: one(
		{ key: 'notifications.log', hint: 'true|false', help: 'every event is a log line at info', byDefault: 'true' },
		parseBoolean,
	),
	webhookUrl: one(
		{ key: 'notifications.webhook.url', hint: 'URL', help: 'events are posted there, signed', byDefault: 'none' },
		parseHttpUrl,
	),
	webhookSecret: secret(
		{ key: 'notifications.webhook.secret', hint: 'secret', help: 'the key of the signature', byDefault: 'none' },
		parsePassword,
	),
	amqpUrl: secret(
		{
			key: 'notifications.amqp.url',
			hint: 'transport URL',
			help: 'a broker of AMQP 0.9.1, as oslo.messaging names it: rabbit://user:password@host:5672,…/vhost',
			byDefault: 'none',
		},
		parseTransport,
	),
	amqpTopics: many(
		{
			key: 'notifications.amqp.topics',
			hint: 'topic,…',
			help: 'the queues, each with `.info` or `.error` behind',
			byDefault: 'notifications',
		},
		parseWords,
	),
	amqpExchange: one(
		{ key: 'notifications.amqp.exchange', hint: 'name', help: 'the exchange that events are published to', byDefault: 'glance' },
		parseWord,
	),
} as const;

export function notificationsOf(
	values: Values<typeof notificationSettings>,
	refuse: Refuse<typeof notificationSettings>,
): NotificationsConfig {
	const { webhookUrl, webhookSecret, amqpUrl } = values;
	if (webhookUrl !== undefined && webhookSecret === undefined)
		refuse('webhookUrl', 'a webhook is signed: set SUNDOG_NOTIFICATIONS_WEBHOOK_SECRET');
	return {
		publisherId: values.notificationsPublisherId ?? 'image.localhost',
		disabled: values.notificationsDisabled ?? [],
		log: values.notificationsLog ?? true,
		...(webhookUrl !== undefined && webhookSecret !== undefined && { webhook: { url: webhookUrl, secret: webhookSecret } }),
		...(amqpUrl !== undefined && {
			amqp: { url: amqpUrl, topics: values.amqpTopics ?? ['notifications'], exchange: values.amqpExchange ?? 'glance' },
		}),
	};
}

/** The notifier reads the rest. A complaint must not repeat it: it holds a password. */
function parseTransport(text: string): string {
	if (!/^(rabbit|kombu|amqps?):\/\/[^\s\p{Cc}]+$/u.test(text))
		throw new Error('a transport URL such as rabbit://user:password@host:5672/ is needed');
	return text;
}
