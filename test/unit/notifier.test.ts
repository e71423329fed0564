import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DomainEvent } from '#domain/events.ts';
import type { Log } from '#lib/log.ts';
import { silentLog } from '#lib/log.ts';
import { withoutEvents } from '#notifier/disabled.ts';
import { notifiers } from '#notifier/index.ts';
import { notificationOf } from '#notifier/payload.ts';
import { caller, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';

const ctx = caller();

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
		assert.deepEqual([event_type, priority], ['image.create', 'info']);
		assert.match(timestamp, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
		assert.deepEqual(
			Object.keys(payload).toSorted().join(' '),
			'checksum container_format created_at deleted deleted_at disk_format id is_public min_disk min_ram name owner properties protected size status tags updated_at virtual_size visibility',
		);
	});
	it('a failed upload is image.upload with a text; a deleted image says so', async () => {
		const all = (await eventsOfALife()).map(notificationOf);
		const failed = all.find(({ priority }) => priority === 'error');
		assert.deepEqual([failed?.event_type, typeof failed?.payload], ['image.upload', 'string']);
		const last = { ...(all.at(-1)?.payload as object) };
		assert.partialDeepStrictEqual(last, { deleted: true, status: 'deleted' });
		assert.ok('deleted_at' in last && typeof last.deleted_at === 'string');
	});
	it('can be kept back by type or by group', async () => {
		const events = await eventsOfALife();
		const passing = (...disabled: readonly string[]) => {
			const seen: string[] = [];
			const sink = withoutEvents(disabled, { publish: (event) => void seen.push(event.type) });
			for (const event of events) sink.publish(event);
			return seen;
		};
		assert.deepEqual(passing('image'), []);
		assert.deepEqual(
			passing('image.member', 'imag'),
			events.map(({ type }) => type),
		);
		assert.ok(!passing('image.upload').some((type) => type.startsWith('image.upload')));
	});
	it('are lines of the log', async () => {
		const lines: string[] = [];
		const log: Log = { ...silentLog, info: (_fields, message) => void lines.push(message) };
		const events = await eventsOfALife();
		for (const event of events) notifiers.log({ log }).publish(event);
		assert.deepEqual(
			lines,
			events.map(({ type }) => type),
		);
	});
});
