import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DomainEvent } from '#domain/events.ts';
import type { Log } from '#lib/log.ts';
import { silentLog } from '#lib/log.ts';
import { isDisabled } from '#notifier/open-notifier.ts';
import { eventType, type Notification, notificationOf as notificationBy } from '#notifier/payload.ts';
import { logNotifier } from '#notifier/sinks/log.ts';
import { caller, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';

const ctx = caller();
const notificationOf = (event: DomainEvent): Notification => notificationBy(event, 'image.test');

async function eventsOfALife(): Promise<readonly DomainEvent[]> {
	const { images, events } = await testSite();
	const { id } = await images.create(ctx, { ...UPLOADABLE, properties: { colour: 'red' } });
	await assert.rejects(images.upload(ctx, id, uploadOf(Buffer.from('x'), { declaredSize: 9 })));
	await images.upload(ctx, id, uploadOf(Buffer.from('x')));
	await images.remove(ctx, id);
	return events;
}

describe('notifications', () => {
	it("carry Glance's keys, and neither locations nor hashes", async () => {
		const [created] = await eventsOfALife();
		assert.ok(created);
		const { event_type, priority, timestamp, payload } = notificationOf(created);
		assert.deepEqual([event_type, priority], ['image.create', 'INFO']);
		assert.match(timestamp, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
		assert.deepEqual(
			Object.keys(payload).toSorted().join(' '),
			'checksum container_format created_at deleted deleted_at disk_format id is_public min_disk min_ram name owner properties protected size status tags updated_at virtual_size visibility',
		);
	});
	it('a failed upload is image.upload with a text; a deleted image says so', async () => {
		const all = (await eventsOfALife()).map(notificationOf);
		const failed = all.find(({ priority }) => priority === 'ERROR');
		assert.deepEqual([failed?.event_type, typeof failed?.payload], ['image.upload', 'string']);
		const last = { ...(all.at(-1)?.payload as object) };
		assert.partialDeepStrictEqual(last, { deleted: true, status: 'deleted' });
		assert.ok('deleted_at' in last && typeof last.deleted_at === 'string');
	});
	it('can be kept back by type or by group', async () => {
		const events = await eventsOfALife();
		const passing = (...disabled: readonly string[]) => events.map(eventType).filter((type) => !isDisabled(disabled, type));
		assert.deepEqual(passing('image'), []);
		assert.deepEqual(passing('image.member', 'imag'), events.map(eventType));
		assert.ok(!passing('image.upload').some((type) => type.startsWith('image.upload')));
	});
	it('are lines of the log', async () => {
		const lines: string[] = [];
		const log: Log = { ...silentLog, info: (_fields, message) => void lines.push(message) };
		const events = await eventsOfALife();
		for (const event of events) logNotifier(log, 'image.test').publish(event);
		assert.deepEqual(
			lines,
			events.map(({ type }) => type),
		);
	});
});
