/** What each purpose takes, and which of that is asked for. To add one (an import from elsewhere, a copy, …): one line here, one name in `Claim`. */
import type { Claim } from '#domain/ports/quota.ts';
import { NO_USAGE, type Resource, type Usage } from '#domain/usage.ts';

interface Purpose {
	taking(bytes: number): Usage;
	readonly asked: readonly Resource[];
	/** of a refusal */
	readonly code: 'limit-exceeded' | 'too-large';
}

export const PURPOSES: Readonly<Record<Claim['purpose'], Purpose>> = {
	create: {
		taking: () => ({ ...NO_USAGE, images: 1, queued: 1 }),
		asked: ['images', 'queued'],
		code: 'limit-exceeded',
	},
	/** An upload that fails leaves its image queued again: the place in that queue is kept, and had before. */
	upload: {
		taking: (bytes) => ({ ...NO_USAGE, queued: 1, uploading: 1, bytes }),
		asked: ['uploading', 'bytes'],
		code: 'too-large',
	},
	/** The same for bytes that wait: they count as stored only when an import makes them the image's. */
	stage: {
		taking: (bytes) => ({ ...NO_USAGE, queued: 1, uploading: 1, stagedBytes: bytes }),
		asked: ['uploading', 'stagedBytes'],
		code: 'too-large',
	},
	/** Staged bytes become the image's own. */
	import: {
		taking: (bytes) => ({ ...NO_USAGE, uploading: 1, stagedBytes: bytes, bytes }),
		asked: ['bytes'],
		code: 'too-large',
	},
};
