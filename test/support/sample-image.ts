import type { Image } from '#domain/image.ts';

/** An active image with something in every field. */
export function sampleImage(over: Partial<Image> = {}): Image {
	return {
		id: '00000000-0000-4000-8000-000000000001',
		name: 'n',
		status: 'active',
		visibility: 'public',
		owner: 'p',
		protected: true,
		hidden: false,
		minDisk: 1,
		minRam: 2,
		diskFormat: 'raw',
		containerFormat: 'bare',
		tags: ['t'],
		properties: { colour: 'red' },
		size: 3,
		virtualSize: null,
		checksum: 'c',
		hashAlgorithm: 'sha512',
		hashValue: 'h',
		createdAt: Date.UTC(2026, 10, 23, 7, 32, 48, 728),
		updatedAt: Date.UTC(2026, 10, 23, 7, 32, 49),
		content: { root: 'bafy', size: 3, blockSize: 1024 },
		site: 'oslo',
		copies: [
			{ store: 'file', node: 'a', kind: 'backend' },
			{ store: 'oslo', node: 'a', kind: 'site' },
			{ store: 'oslo', node: 'b', kind: 'site' },
		],
		members: [],
		staged: null,
		locations: [],
		worker: null,
		revision: 4,
		...over,
	};
}
