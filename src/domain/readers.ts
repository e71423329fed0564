/** Who may read an image's bytes where they lie, for stores in which that has to be said. Image API v2, "Sharing". */
import type { Image } from './image.ts';
import type { StoreReaders } from './ports/stores.ts';

/** Members of any status may read; memberships of an image that is not `shared` mean nothing. */
export function readersOf({ visibility, members }: Pick<Image, 'visibility' | 'members'>): StoreReaders {
	const isPublic = visibility === 'public' || visibility === 'community';
	return { public: isPublic, projects: visibility === 'shared' ? members.map(({ member }) => member).toSorted() : [] };
}
