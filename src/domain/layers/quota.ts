/** Quota: room for what is new is reserved before anything of it is taken, and given back when that is done or has failed. */

import type { ImageFacts } from '#domain/ports/image-repository.ts';
import type { Quota, Reservation } from '#domain/ports/quota.ts';
import type { StoreLocation } from '#domain/ports/stores.ts';
import { oneAtATime } from '#lib/one-at-a-time.ts';
import type { RequestContext } from '../context.ts';
import type { ImageController, Upload } from '../controller.ts';
import { ImageError } from '../errors.ts';
import type { Image, ImageChange, ImageId } from '../image.ts';
import { applyChanges } from '../image-changes.ts';
import type { Layer } from '../onion.ts';

export function quota(facts: ImageFacts, { limits, reserve }: Quota): Layer {
	const capBytes = limits.imageSizeCap < 0 ? Number.MAX_SAFE_INTEGER : limits.imageSizeCap;
	/** What counts of one image: one change after the other, so that many at once do not all find room for one. */
	const alone = oneAtATime();

	/** Declared bytes are paid for before the first is asked for, others as they come. */
	async function taking(...[ctx, id, purpose, upload, take]: Taking): Promise<Image> {
		const { declaredSize: bytes } = upload;
		const maxBytes = Math.min(upload.maxBytes, capBytes);
		if (bytes !== undefined && bytes > maxBytes)
			throw new ImageError('too-large', `image ${id} would have ${bytes} bytes, the limit is ${maxBytes}`);
		const { owner } = await facts.get(id);
		using room = await reserve(ctx, { purpose, image: id, owner, ...(bytes !== undefined && { bytes }) });
		const data = bytes === undefined ? charged(upload.data, room) : upload.data;
		return await take(ctx, id, { ...upload, data, maxBytes });
	}

	async function roomFor(ctx: RequestContext, id: ImageId): Promise<Reservation> {
		const { owner, staged } = await facts.get(id);
		return reserve(ctx, { purpose: 'import', image: id, owner, bytes: staged?.content.size ?? 0 });
	}

	return (inner) => {
		/** The first place brings all bytes of an image; how many, its store says. */
		async function roomForPlaces(ctx: RequestContext, image: Image, changes: readonly ImageChange[]): Promise<Disposable> {
			const places = changes.flatMap((each) =>
				'addLocation' in each ? [each.addLocation] : 'setLocations' in each ? each.setLocations : [],
			);
			const [first] = places;
			if (first === undefined) return NO_ROOM;
			const held = image.locations.length + image.copies.filter(({ url }) => url !== undefined).length;
			const isMore = changes.some((each) => 'addLocation' in each) || held === 0;
			if (isMore) within(limits.imageLocations, held + places.length, 'locations');
			return image.status === 'queued' ? roomForPlace(ctx, image.id, first) : NO_ROOM;
		}
		async function roomForPlace(ctx: RequestContext, id: ImageId, place: StoreLocation): Promise<Disposable> {
			const bytes = await inner.statLocation(ctx, id, place);
			if (bytes > capBytes) throw new ImageError('too-large', `image ${id} would have ${bytes} bytes, the limit is ${capBytes}`);
			const { owner } = await facts.get(id);
			return reserve(ctx, { purpose: 'import', image: id, owner, bytes });
		}
		return {
			async create(ctx, draft) {
				within(limits.imageProperties, countProperties(draft.properties ?? {}), 'properties');
				within(limits.imageTags, new Set(draft.tags).size, 'tags');
				const id = draft.id ?? crypto.randomUUID();
				using _room = await reserve(ctx, { purpose: 'create', image: id, owner: draft.owner ?? null });
				return await inner.create(ctx, { ...draft, id });
			},
			update: (ctx, id, changes) =>
				alone(id, async () => {
					const before = await facts.get(id);
					const after = applyChanges(before, changes);
					if (grows(before.properties, after.properties))
						within(limits.imageProperties, countProperties(after.properties), 'properties');
					if (after.tags.length > before.tags.length) within(limits.imageTags, after.tags.length, 'tags');
					using _room = await roomForPlaces(ctx, before, changes);
					return await inner.update(ctx, id, changes);
				}),
			addTag: (ctx, id, tag) =>
				alone(id, async () => {
					const { tags } = await facts.get(id);
					if (!tags.includes(tag)) within(limits.imageTags, tags.length + 1, 'tags');
					return inner.addTag(ctx, id, tag);
				}),
			addMember: (ctx, id, member) =>
				alone(id, async () => {
					const { members } = await facts.get(id);
					if (members.every((each) => each.member !== member)) within(limits.imageMembers, members.length + 1, 'members');
					return inner.addMember(ctx, id, member);
				}),
			upload: (ctx, id, upload) => taking(ctx, id, 'upload', upload, inner.upload),
			stage: (ctx, id, upload) => taking(ctx, id, 'stage', upload, inner.stage),
			/** Refused now rather than by a task that fails later; what decides is the look that the task takes. */
			async beginImport(ctx, id, request, plan) {
				using _room = await roomFor(ctx, id);
				return await inner.beginImport(ctx, id, request, plan);
			},
			stageImport: (ctx, id, upload) => taking(ctx, id, 'stage', upload, inner.stageImport),
			changeImport: (ctx, id, changes) =>
				alone(id, async () => {
					const before = await facts.get(id);
					const { properties } = applyChanges(before, changes);
					if (grows(before.properties, properties)) within(limits.imageProperties, countProperties(properties), 'properties');
					return inner.changeImport(ctx, id, changes);
				}),
			async activateImport(ctx, id) {
				using _room = await roomFor(ctx, id);
				return await inner.activateImport(ctx, id);
			},
			async placeLocation(ctx, id, location) {
				using _room = await roomForPlace(ctx, id, location);
				return await inner.placeLocation(ctx, id, location);
			},
		};
	};
}

const NO_ROOM: Disposable = { [Symbol.dispose]() {} };

type Taking = [ctx: RequestContext, id: ImageId, purpose: 'upload' | 'stage', upload: Upload, take: ImageController['upload']];

/** Each chunk is paid for before it is handed on. Declared bytes are paid for already, and the writer takes no more of them. */
function charged(source: AsyncIterable<Uint8Array>, room: Reservation): AsyncIterable<Uint8Array> {
	return {
		[Symbol.asyncIterator]() {
			const chunks = source[Symbol.asyncIterator]();
			return {
				async next() {
					const chunk = await chunks.next();
					if (chunk.done) return chunk;
					try {
						room.grow(chunk.value.length);
						return chunk;
					} catch (error) {
						// whose own step fails is not told to stop, and would not tell its source
						await chunks.return?.();
						throw error;
					}
				},
				return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
			};
		},
	};
}

function within(limit: number, count: number, what: string): void {
	if (limit >= 0 && count > limit)
		throw new ImageError(
			'limit-exceeded',
			`the limit has been exceeded on the number of allowed image ${what}: attempted ${count}, maximum ${limit}`,
		);
}

/** Names under os_glance belong to the service and do not count. */
function countProperties(properties: Readonly<Record<string, string>>): number {
	return Object.keys(properties).filter((name) => !name.startsWith('os_glance')).length;
}

function grows(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): boolean {
	return Object.keys(after).some((name) => !Object.hasOwn(before, name));
}
