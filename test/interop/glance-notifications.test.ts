/** Payloads against Glance's own code: the same things, formatted by Debian's glance.notifier and by ours. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { DomainEvent } from '#domain/events.ts';
import { notificationOf } from '#notifier/payload.ts';
import { testSite } from '../support/onion.ts';

const PYTHON = '/usr/bin/python3';
const missing = !existsSync(PYTHON) || !isThere() ? 'python3-glance is not installed' : false;

function isThere(): boolean {
	try {
		execFileSync(PYTHON, ['-c', 'import glance.notifier'], { stdio: 'ignore' });
		return true;
	} catch {
		return false;
	}
}

const AT = Date.UTC(2026, 10, 23, 7, 32, 48);
const circumstances = { requestId: 'req-1', project: 'p', user: 'u', at: AT, priority: 'info' } as const;
const times = { createdAt: AT, updatedAt: AT };

const FORMATTED = `
import datetime, json, types
from glance import notifier as n
at = datetime.datetime(2026, 11, 23, 7, 32, 48)
def o(**kw): return types.SimpleNamespace(created_at=at, updated_at=at, **kw)
print(json.dumps({
  'image.create': n.format_image_notification(o(image_id='I', name='n', status='queued', min_disk=1, min_ram=2, protected=False, checksum=None, owner='p', disk_format='raw', container_format='bare', size=None, virtual_size=None, visibility='shared', extra_properties={'a': 'b'}, tags=['t'])),
  'image.member.create': n.format_image_member_notification(o(image_id='I', member_id='m', status='pending')),
  'task.create': n.format_task_notification(o(task_id='T', type='import', status='pending', owner='p', expires_at=at)),
  'metadef_namespace.create': n.format_metadef_namespace_notification(o(namespace='N', display_name='D', protected=True, visibility='public', owner='p', description=None)),
  'metadef_object.create': n.format_metadef_object_notification(o(namespace='N', name='O', description='d', required=['x'], properties={'x': types.SimpleNamespace(**dict({k: None for k in ('description','default','minimum','maximum','enum','pattern','minLength','maxLength','confidential','items','uniqueItems','minItems','maxItems','additionalItems')}, type='string', title='X'))})),
  'metadef_property.create': n.format_metadef_property_notification(o(namespace='N', name='P', schema={'type': 'integer', 'title': 'P', 'minimum': 0})),
  'metadef_resource_type.create': n.format_metadef_resource_type_notification(o(namespace='N', name='R', prefix='r_', properties_target=None)),
  'metadef_tag.create': n.format_metadef_tag_notification(o(namespace='N', name='G')),
}))
`;

async function ours(): Promise<readonly DomainEvent[]> {
	const { images, events } = await testSite({ clock: () => AT });
	const ctx = { requestId: 'req-1', user: 'u', project: 'p', roles: ['admin'], admin: true, door: 'client' } as const;
	await images.create(
		{ ...ctx, signal: new AbortController().signal },
		{ name: 'n', minDisk: 1, minRam: 2, diskFormat: 'raw', containerFormat: 'bare', properties: { a: 'b' }, tags: ['t'] },
	);
	const [created] = events;
	assert.ok(created?.type === 'image.create');
	const image = { ...created, image: { ...created.image, id: 'I', ...times } };
	const namespace = {
		namespace: 'N',
		displayName: 'D',
		protected: true,
		visibility: 'public',
		owner: 'p',
		description: null,
		...times,
	} as const;
	const x = { type: 'string', title: 'X' } as const;
	return [
		image,
		{ ...circumstances, type: 'image.member.create', imageId: 'I', member: { member: 'm', status: 'pending', ...times } },
		{
			...circumstances,
			type: 'task.create',
			task: {
				id: 'T',
				type: 'import',
				status: 'pending',
				owner: 'p',
				imageId: null,
				requestId: null,
				userId: null,
				input: { secret: 'x' },
				result: null,
				message: 'secret',
				expiresAt: AT,
				...times,
			},
		},
		{ ...circumstances, type: 'metadef_namespace.create', namespace },
		{
			...circumstances,
			type: 'metadef_object.create',
			namespace: 'N',
			object: { name: 'O', description: 'd', required: ['x'], properties: [{ name: 'x', schema: x }], ...times },
		},
		{
			...circumstances,
			type: 'metadef_property.create',
			namespace: 'N',
			property: { name: 'P', schema: { type: 'integer', title: 'P', minimum: 0 }, ...times },
		},
		{
			...circumstances,
			type: 'metadef_resource_type.create',
			namespace: 'N',
			association: { name: 'R', prefix: 'r_', propertiesTarget: null, ...times },
		},
		{ ...circumstances, type: 'metadef_tag.create', namespace: 'N', tag: { name: 'G', ...times } },
	];
}

describe("payloads and Glance's notifier", { skip: missing }, () => {
	it('format everything alike', async () => {
		const theirs = JSON.parse(execFileSync(PYTHON, ['-c', FORMATTED], { encoding: 'utf8' })) as Record<string, object>;
		for (const event of await ours()) {
			const { event_type, payload } = notificationOf(event, 'image.test');
			assert.deepEqual(JSON.parse(JSON.stringify(payload)), theirs[event_type], event_type);
			delete theirs[event_type];
		}
		assert.deepEqual(Object.keys(theirs), []);
	});
});
