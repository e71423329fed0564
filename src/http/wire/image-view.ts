import type { Image } from '#domain/image.ts';
import { viewTime } from './times.ts';

/** An image as Glance sends it, key order included: custom properties first. Image API v2, "Show image". */
export function viewImage(image: Image): Readonly<Record<string, unknown>> {
	const path = `/v2/images/${image.id}`;
	return {
		...image.properties,
		name: image.name,
		disk_format: image.diskFormat,
		container_format: image.containerFormat,
		visibility: image.visibility,
		size: image.size,
		virtual_size: image.virtualSize,
		status: image.status,
		checksum: image.checksum,
		protected: image.protected,
		min_ram: image.minRam,
		min_disk: image.minDisk,
		owner: image.owner,
		os_hidden: image.hidden,
		os_hash_algo: image.hashAlgorithm,
		os_hash_value: image.hashValue,
		id: image.id,
		created_at: viewTime(image.createdAt),
		updated_at: viewTime(image.updatedAt),
		tags: image.tags,
		self: path,
		file: `${path}/file`,
		schema: '/v2/schemas/image',
		...storesOf(image),
	};
}

/** Every site and backend that holds a full, verified copy; absent while nothing does. */
function storesOf(image: Image): { readonly stores?: string } {
	if (image.copies.length === 0) return {};
	return { stores: [...new Set(image.copies.map((copy) => copy.store))].join(',') };
}
