import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseTransportUrl } from '#notifier/sinks/transport-url.ts';

describe('transport URL', () => {
	it('names brokers in their order, with what oslo.messaging assumes where nothing is said', () => {
		const { brokers, ...rest } = parseTransportUrl('rabbit://u:p%40ss@one:5673,two,w@[::1]:1/v%2Fhost');
		assert.deepEqual(brokers, [
			{ protocol: 'amqp', hostname: 'one', port: 5673, username: 'u', password: 'p@ss', vhost: 'v/host' },
			{ protocol: 'amqp', hostname: 'two', port: 5672, username: 'guest', password: 'guest', vhost: 'v/host' },
			{ protocol: 'amqp', hostname: '::1', port: 1, username: 'w', password: 'guest', vhost: 'v/host' },
		]);
		assert.deepEqual(rest, { durable: false, autoDelete: false, quorum: false, tls: {} });
	});
	it('may ask for TLS and for other queues', () => {
		const { brokers, ...rest } = parseTransportUrl(
			'rabbit://h/?ssl=true&ssl_ca_file=/ca.pem&amqp_auto_delete=1&rabbit_quorum_queue=on',
		);
		assert.deepEqual([brokers[0].protocol, brokers[0].port, brokers[0].vhost], ['amqps', 5671, '/']);
		assert.deepEqual(rest, { durable: true, autoDelete: true, quorum: true, tls: { ca: '/ca.pem' } });
		assert.equal(parseTransportUrl('amqps://h').brokers[0].protocol, 'amqps');
		assert.equal(parseTransportUrl('rabbit://h?amqp_durable_queues=True').durable, true);
	});
	it('is refused without its text, which holds passwords', () => {
		for (const text of ['', 'http://h', 'rabbit://', 'rabbit://u:secret@h:x', 'kafka://u:secret@h', 'rabbit://u:secret@@h'])
			assert.throws(
				() => parseTransportUrl(text),
				(error: Error) => !error.message.includes('secret'),
				text,
			);
	});
});
