/**
 * Notifications over AMQP 0.9.1 as oslo.messaging's driver `messagingv2` sends them, so that its listeners take them for
 * Glance's: topic exchange `glance`, routing key and queue `<topic>.<priority>`, the 2.0 envelope. Exchange and queues are
 * declared as oslo does under the same options: the broker refuses who declares them otherwise.
 */
import { readFile } from 'node:fs/promises';
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import { orLeft } from '#lib/or-left.ts';
import type { Notification } from '../payload.ts';
import type { Sink } from '../sink.ts';
import { parseTransportUrl, type Transport } from './transport-url.ts';

export interface AmqpOptions {
	/** oslo.messaging's transport URL; several hosts are tried one after the other */
	readonly url: string;
	readonly topics: readonly string[];
	readonly exchange: string;
	/** of connecting and declaring, and of the confirms of one batch */
	readonly timeoutMs?: number;
}

const HEARTBEAT_S = 30;
const BATCH = 64;
const PRIORITIES = ['info', 'error'] as const;
const PROPERTIES = { contentType: 'application/json', contentEncoding: 'utf-8', persistent: true, headers: {} } as const;

interface Line {
	readonly connection: ChannelModel;
	readonly channel: ConfirmChannel;
}

export function amqpSink({ url, topics, exchange, timeoutMs = 15_000 }: AmqpOptions): Sink {
	const { brokers, durable, autoDelete, quorum, tls } = parseTransportUrl(url);
	const kept = { durable, autoDelete };
	const queue = { ...kept, ...(quorum && { arguments: { 'x-queue-type': 'quorum' } }) };
	let attempts = 0;
	let line: Line | undefined;

	async function open(): Promise<Line> {
		const broker = brokers[attempts % brokers.length] ?? brokers[0];
		const secured = broker.protocol === 'amqps' ? { servername: broker.hostname, ...(await read(tls)) } : {};
		const connection = await connect({ ...broker, heartbeat: HEARTBEAT_S }, { timeout: timeoutMs, ...secured });
		// without a listener an error event would end the process; the loss shows at the next delivery
		connection.on('error', () => {}).on('close', () => hangUp(connection));
		try {
			const channel = await connection.createConfirmChannel();
			channel.on('error', () => hangUp(connection)).on('close', () => hangUp(connection));
			await declare(channel);
			return { connection, channel };
		} catch (error) {
			hangUp(connection);
			throw error;
		}
	}

	async function declare(channel: ConfirmChannel): Promise<void> {
		await channel.assertExchange(exchange, 'topic', kept);
		for (const topic of topics)
			for (const priority of PRIORITIES) {
				const name = `${topic}.${priority}`;
				await channel.assertQueue(name, queue);
				await channel.bindQueue(name, exchange, name);
			}
	}

	function hangUp(connection: ChannelModel): void {
		if (line?.connection === connection) line = undefined;
		// closing what is closed already throws at once, or later
		void Promise.try(() => connection.close()).catch(() => {});
	}

	/** Nobody waits any more for a line that comes after the signal: it would be one beside that of the next delivery. */
	async function publish(notifications: readonly Notification[], signal: AbortSignal): Promise<void> {
		const opened = line ?? (await open());
		if (signal.aborted) return hangUp(opened.connection);
		line = opened;
		const { channel } = opened;
		for (const notification of notifications) {
			const body = Buffer.from(JSON.stringify(envelopeOf(notification)));
			for (const topic of topics) channel.publish(exchange, `${topic}.${notification.priority.toLowerCase()}`, body, PROPERTIES);
		}
		await channel.waitForConfirms();
	}

	return {
		name: 'amqp',
		batch: BATCH,
		async deliver(notifications, { signal }) {
			try {
				const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
				// what is left behind ends by its own limits
				await orLeft(publish(notifications, limit), limit);
			} catch (error) {
				attempts += 1;
				if (line !== undefined) hangUp(line.connection);
				throw error;
			}
		},
		async [Symbol.asyncDispose]() {
			const { connection } = line ?? {};
			line = undefined;
			await connection?.close().catch(() => {});
		},
	};
}

/** Read at each connection: certificates are renewed while a node runs. */
async function read(files: Transport['tls']): Promise<Record<string, Buffer>> {
	const entries = Object.entries(files).map(async ([name, path]) => [name, await readFile(path)] as const);
	return Object.fromEntries(await Promise.all(entries));
}

/** `_unique_id` is what oslo's listeners tell repetitions by. */
function envelopeOf(notification: Notification): object {
	const message = { ...notification, _unique_id: notification.message_id.replaceAll('-', '') };
	return { 'oslo.version': '2.0', 'oslo.message': JSON.stringify(message) };
}
