/** One contract for every sink behind its outbox: in order, at least once, across outages and restarts. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { memoryKeyValue } from '#catalogue/memory.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { silentLog } from '#lib/log.ts';
import { type CourierOptions, startCourier } from '#notifier/courier.ts';
import { openNotifier } from '#notifier/open-notifier.ts';
import { openOutbox } from '#notifier/outbox.ts';
import type { Notification } from '#notifier/payload.ts';
import type { Sink } from '#notifier/sink.ts';
import { amqpSink } from '#notifier/sinks/amqp.ts';
import { webhookSink } from '#notifier/sinks/webhook.ts';
import { eventually } from '../support/eventually.ts';
import { notification, numberOf, startReceiver } from '../support/notifications.ts';
import { caller, testSite, UPLOADABLE } from '../support/onion.ts';
import { rabbitMissing, startOsloListener, startRabbitMq } from '../support/rabbitmq.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

interface Subject extends AsyncDisposable {
	sink(): Sink;
	received(): readonly { readonly message_id: string; readonly payload: unknown }[];
	/** the other side is gone, and comes back */
	cut(): void;
	mend(): void;
}

const SECRET = 'a secret';

const SUBJECTS: Readonly<Record<string, () => Promise<Subject>>> = {
	async webhook() {
		await using stack = new AsyncDisposableStack();
		const receiver = stack.use(await startReceiver(SECRET));
		const link = stack.use(await startTcpProxy({ port: Number(new URL(receiver.url).port) }));
		stack.defer(() => assert.deepEqual(receiver.wrong, []));
		const parts = stack.move();
		return {
			sink: () => webhookSink({ url: `http://127.0.0.1:${link.port}/hook`, secret: SECRET, clock: Date.now }),
			received: () => receiver.accepted,
			cut: link.cut,
			mend: link.mend,
			[Symbol.asyncDispose]: () => parts.disposeAsync(),
		};
	},
	async amqp() {
		await using stack = new AsyncDisposableStack();
		const dir = stack.use(await temporaryDir());
		const rabbit = stack.use(await startRabbitMq(dir.path));
		const link = stack.use(await startTcpProxy({ port: rabbit.port }));
		const listener = stack.use(await startOsloListener(rabbit.urlAt(rabbit.port)));
		const parts = stack.move();
		return {
			sink: () => amqpSink({ url: rabbit.urlAt(link.port), topics: ['notifications'], exchange: 'glance' }),
			received: () => listener.received,
			cut: link.cut,
			mend: link.mend,
			[Symbol.asyncDispose]: () => parts.disposeAsync(),
		};
	},
};

const MISSING: Readonly<Record<string, string | undefined>> = { amqp: await rabbitMissing() };

/** An outbox and its courier, with short pauses. */
async function openLine(kv: KeyValue, sink: Sink, options: Partial<CourierOptions> = {}) {
	const outbox = await openOutbox({ kv, readers: [sink.name], log: silentLog });
	const pauses = { firstDelayMs: 5, longestDelayMs: 50 };
	const courier = startCourier({ reader: outbox.reader(sink.name), sink, log: silentLog, ...pauses, ...options });
	return {
		outbox,
		async close() {
			await outbox[Symbol.asyncDispose]();
			await courier[Symbol.asyncDispose]();
		},
	};
}

/** Numbers in the order of their first coming. */
function firsts(received: ReturnType<Subject['received']>): readonly number[] {
	return [...new Map(received.map((each) => [each.message_id, numberOf(each)])).values()];
}

const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

for (const [name, open] of Object.entries(SUBJECTS)) {
	describe(`notifier sink: ${name}`, { skip: MISSING[name] ?? false, timeout: 240_000 }, () => {
		it('takes everything in order, through outages and a restart, and nothing is lost', async () => {
			await using subject = await open();
			const kv = memoryKeyValue();
			const sent: Notification[] = upTo(300).map((number) => notification(number));
			const seen = (count: number) => () => firsts(subject.received()).length === count || undefined;
			let line = await openLine(kv, subject.sink());
			for (const each of sent.slice(0, 100)) line.outbox.add(each);
			await eventually('the first hundred', seen(100));
			subject.cut();
			for (const each of sent.slice(100, 200)) line.outbox.add(each);
			await line.close();
			line = await openLine(kv, subject.sink());
			for (const each of sent.slice(200)) line.outbox.add(each);
			subject.mend();
			await eventually('all of them', seen(300), { timeoutMs: 60_000 });
			await line.close();
			assert.deepEqual(firsts(subject.received()), upTo(300));
			assert.deepEqual(await Array.fromAsync(kv.sub('m/').keys({})), [], 'nothing is kept that was delivered');
		});
	});
}

describe('a webhook', () => {
	it('that refuses one notification for good is spared it after some tries, and gets the next ones', async () => {
		await using receiver = await startReceiver(SECRET);
		receiver.answer(422);
		const line = await openLine(memoryKeyValue(), webhookSink({ url: receiver.url, secret: SECRET, clock: Date.now }));
		line.outbox.add(notification(0));
		await eventually('three tries', () => receiver.tried() === 3 || undefined);
		receiver.answer(200);
		line.outbox.add(notification(1));
		await eventually('the next one', () => receiver.accepted.length > 0 || undefined);
		await line.close();
		assert.deepEqual(receiver.accepted.map(numberOf), [1]);
	});
	it('that moved is not followed', async () => {
		await using receiver = await startReceiver(SECRET);
		receiver.answer(307);
		const sink = webhookSink({ url: receiver.url, secret: SECRET, clock: Date.now });
		await assert.rejects(sink.deliver([notification(0)], { signal: AbortSignal.timeout(5000) }), /answered 307/);
	});
});

describe('a courier', () => {
	it('goes on when what it brings could not be read for a moment', async () => {
		const kv = memoryKeyValue();
		let broken = true;
		const sometimes: KeyValue = {
			...kv,
			entries(options) {
				if (broken && options.limit !== undefined) throw new Error('EIO');
				return kv.entries(options);
			},
		};
		const delivered: number[] = [];
		const sink: Sink = {
			name: 'list',
			batch: 10,
			deliver: async (notifications) => void delivered.push(...notifications.map(numberOf)),
			[Symbol.asyncDispose]: async () => {},
		};
		const complained = Promise.withResolvers<void>();
		const log = { ...silentLog, warn: () => complained.resolve() };
		const line = await openLine(sometimes, sink, { log });
		line.outbox.add(notification(0));
		await complained.promise;
		broken = false;
		await eventually('the notification', () => delivered.length > 0 || undefined);
		await line.close();
		assert.deepEqual(delivered, [0]);
	});
});

describe('AMQP', { skip: MISSING.amqp ?? false, timeout: 240_000 }, () => {
	it('hangs up on a broker that answers when nobody waits for it any more', async () => {
		await using dir = await temporaryDir();
		await using rabbit = await startRabbitMq(dir.path);
		const open = new Set<Socket>();
		let seen = 0;
		const link = createServer((near) => {
			seen += 1;
			open.add(near.on('close', () => open.delete(near)).on('error', () => {}));
			const far = connect({ host: '127.0.0.1', port: rabbit.port }).on('error', () => {});
			near.pipe(far).pipe(near);
		}).listen(0, '127.0.0.1');
		await once(link, 'listening');
		const { port } = link.address() as AddressInfo;
		const sink = amqpSink({ url: rabbit.urlAt(port), topics: ['notifications'], exchange: 'glance' });
		const impatient = new AbortController();
		const delivery = sink.deliver([notification(0)], { signal: impatient.signal });
		impatient.abort(new Error('enough'));
		await assert.rejects(delivery, /enough/);
		await sink[Symbol.asyncDispose]();
		await eventually('the end of its connection', () => (seen === 1 && open.size === 0) || undefined);
		link.close();
	});
});

describe('dead sinks', () => {
	it('delay nobody: a thousand events are handed over while one never answers and the other takes no connection', async () => {
		await using receiver = await startReceiver(SECRET);
		receiver.answer('silence');
		const blackHole = createServer(() => {}).listen(0, '127.0.0.1');
		await once(blackHole, 'listening');
		const { port } = blackHole.address() as AddressInfo;
		const kv = memoryKeyValue();
		const { images, events } = await testSite();
		await images.create(caller(), UPLOADABLE);
		const [event] = events;
		assert.ok(event);
		const notifier = await openNotifier({
			options: {
				publisherId: 'image.test',
				disabled: [],
				log: false,
				webhook: { url: receiver.url, secret: SECRET },
				amqp: { url: `rabbit://127.0.0.1:${port}`, topics: ['notifications'], exchange: 'glance' },
			},
			kv,
			log: silentLog,
			clock: Date.now,
		});
		for (let count = 0; count < 1000; count += 1) notifier.publish(event);
		await eventually('one delivery that hangs', () => receiver.tried() === 1 || undefined);
		await notifier[Symbol.asyncDispose]();
		blackHole.close();
		assert.equal((await Array.fromAsync(kv.sub('m/').keys({}))).length, 1000, 'all are kept for the next start');
	});
});
