/** Images: neither locations nor hashes, and never os_hidden. */
import type { Circumstances, ImageEvent } from '#domain/events.ts';
import type { Image } from '#domain/image.ts';
import { deletion, seconds } from './times.ts';

export function imageEventPayload(event: Circumstances & ImageEvent): object | string {
	switch (event.type) {
		case 'image.upload.failed':
			return `failed to upload image data for image ${event.image.id}: ${event.reason}`;
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
			return {
				...imagePayload(event.image, event.at),
				os_glance_importing_to_stores: listed(event.image, 'os_glance_importing_to_stores'),
				os_glance_failed_import: listed(event.image, 'os_glance_failed_import'),
			};
		default:
			return imagePayload(event.image, event.at);
	}
}

function imagePayload(image: Image, at: number): object {
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
		...deletion(image.status === 'deleted', at),
	};
}

function listed({ properties }: Image, name: string): readonly string[] {
	const text = Object.hasOwn(properties, name) ? properties[name] : undefined;
	return text === undefined || text === '' ? [] : text.split(',');
}
