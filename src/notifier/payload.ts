/** Events in the shape Glance's consumers know. Payloads never carry locations or hashes of images. */
import type { DomainEvent, MemberEvent } from '#domain/events.ts';
import type { Image } from '#domain/image.ts';

export interface Notification {
	readonly event_type: string;
	readonly priority: 'info' | 'error';
	/** Python's spelling of UTC: 2026-11-23 07:32:48.728000 */
	readonly timestamp: string;
	readonly request_id: string;
	readonly payload: object | string;
}

/** A failure has the type of what failed; its priority says so. */
export function eventType(event: DomainEvent): string {
	return event.type === 'image.upload.failed' ? 'image.upload' : event.type;
}

export function notificationOf(event: DomainEvent): Notification {
	return {
		event_type: eventType(event),
		priority: event.priority,
		timestamp: `${new Date(event.at).toISOString().slice(0, -1).replace('T', ' ')}000`,
		request_id: event.requestId,
		payload: payloadOf(event),
	};
}

function payloadOf(event: DomainEvent): object | string {
	switch (event.type) {
		case 'image.upload.failed':
			return `image ${event.image.id}: ${event.reason}`;
		case 'image.send':
			return {
				bytes_sent: event.bytesSent,
				image_id: event.image.id,
				owner_id: event.image.owner,
				receiver_tenant_id: event.receiverProject,
				receiver_user_id: event.receiverUser,
			};
		case 'image.prepare':
		case 'image.upload':
			return { ...imagePayload(event.image, event.at), os_glance_importing_to_stores: [], os_glance_failed_import: [] };
		case 'image.create':
		case 'image.update':
		case 'image.delete':
		case 'image.activate':
			return imagePayload(event.image, event.at);
		case 'image.member.create':
		case 'image.member.update':
		case 'image.member.delete':
			return memberPayload(event, event.at);
		default:
			throw new TypeError(`no payload for ${event.type}`);
	}
}

function imagePayload(image: Image, at: number): object {
	const deleted = image.status === 'deleted';
	return {
		id: image.id,
		name: image.name,
		status: image.status,
		created_at: seconds(image.createdAt),
		updated_at: seconds(image.updatedAt),
		min_disk: image.minDisk,
		min_ram: image.minRam,
		protected: image.protected,
		checksum: image.checksum,
		owner: image.owner,
		disk_format: image.diskFormat,
		container_format: image.containerFormat,
		size: image.size,
		virtual_size: image.virtualSize,
		is_public: image.visibility === 'public',
		visibility: image.visibility,
		properties: image.properties,
		tags: image.tags,
		deleted,
		deleted_at: deleted ? seconds(at) : null,
	};
}

function memberPayload({ type, imageId, member }: MemberEvent, at: number): object {
	const deleted = type === 'image.member.delete';
	return {
		image_id: imageId,
		member_id: member.member,
		status: member.status,
		created_at: seconds(member.createdAt),
		updated_at: seconds(member.updatedAt),
		deleted,
		deleted_at: deleted ? seconds(at) : null,
	};
}

function seconds(at: number): string {
	return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
