/** Notifier: tells, in Glance's event names, what the inner layers really did, or that they failed. */

import type { ImageFacts } from '#domain/ports/image-repository.ts';
import type { Notifier } from '#domain/ports/notifier.ts';
import { circumstances } from '../circumstances.ts';
import type { RequestContext } from '../context.ts';
import type { Download, ImageController } from '../controller.ts';
import type { ImageEvent, MemberEvent } from '../events.ts';
import type { Image, ImageId } from '../image.ts';
import type { Member } from '../member.ts';
import type { Layer } from '../onion.ts';

export function notification(facts: ImageFacts, notifier: Notifier, clock: () => number): Layer {
	function tell(ctx: RequestContext, type: PlainType, image: Image): void {
		notifier.publish({ type, image, ...circumstances(ctx, clock()) });
	}
	async function tellUpdated(ctx: RequestContext, id: ImageId, act: () => Promise<void>): Promise<void> {
		const before = await facts.get(id);
		await act();
		tell(ctx, 'image.update', await facts.get(id).catch(() => before));
	}
	function toldUpdated(ctx: RequestContext, image: Image): Image {
		tell(ctx, 'image.update', image);
		return image;
	}
	function tellMember(ctx: RequestContext, type: MemberEvent['type'], imageId: ImageId, member: Member): Member {
		notifier.publish({ type, imageId, member, ...circumstances(ctx, clock()) });
		return member;
	}
	return (inner) => ({
		async create(ctx, draft) {
			const image = await inner.create(ctx, draft);
			tell(ctx, 'image.create', image);
			return image;
		},
		async update(ctx, id, changes) {
			const image = await inner.update(ctx, id, changes);
			if (changes.length > 0) tell(ctx, 'image.update', image);
			return image;
		},
		async remove(ctx, id) {
			const image = await facts.get(id);
			await inner.remove(ctx, id);
			tell(ctx, 'image.delete', { ...image, status: 'deleted' });
		},
		upload: (ctx, id, upload) => tellUpload({ inner, facts, notifier, clock }, ctx, id, upload),
		async stage(ctx, id, upload) {
			const image = await inner.stage(ctx, id, upload);
			tell(ctx, 'image.update', image);
			return image;
		},
		beginImport: async (ctx, id, ...rest) => toldUpdated(ctx, await inner.beginImport(ctx, id, ...rest)),
		changeImport: async (ctx, id, changes) => toldUpdated(ctx, await inner.changeImport(ctx, id, changes)),
		missImport: async (ctx, id, store) => toldUpdated(ctx, await inner.missImport(ctx, id, store)),
		async activateImport(ctx, id) {
			const { status } = await facts.get(id);
			const image = await inner.activateImport(ctx, id);
			if (status !== image.status) for (const type of IMPORTED) tell(ctx, type, image);
			return image;
		},
		async endImport(ctx, id, how, which) {
			const image = await inner.endImport(ctx, id, how, which);
			if (how === 'failed') tell(ctx, 'image.update', image);
			return image;
		},
		placeLocation: async (ctx, id, location) => toldUpdated(ctx, await inner.placeLocation(ctx, id, location)),
		removeFromStore: async (ctx, id, store) => toldUpdated(ctx, await inner.removeFromStore(ctx, id, store)),
		async download(ctx, id, wish) {
			const download = await inner.download(ctx, id, wish);
			return { ...download, read: tellSent({ notifier, clock }, ctx, download) };
		},
		deactivate: (ctx, id) => tellUpdated(ctx, id, () => inner.deactivate(ctx, id)),
		reactivate: (ctx, id) => tellUpdated(ctx, id, () => inner.reactivate(ctx, id)),
		addTag: (ctx, id, tag) => tellUpdated(ctx, id, () => inner.addTag(ctx, id, tag)),
		dropTag: (ctx, id, tag) => tellUpdated(ctx, id, () => inner.dropTag(ctx, id, tag)),
		addMember: async (ctx, id, member) => tellMember(ctx, 'image.member.create', id, await inner.addMember(ctx, id, member)),
		updateMember: async (ctx, id, member, status) =>
			tellMember(ctx, 'image.member.update', id, await inner.updateMember(ctx, id, member, status)),
		async removeMember(ctx, id, member) {
			// whether there is one is not for this layer to say
			const before = (await facts.get(id)).members.find((each) => each.member === member);
			await inner.removeMember(ctx, id, member);
			if (before !== undefined) tellMember(ctx, 'image.member.delete', id, before);
		},
	});
}

/** What an import that went well is told as: as an upload is. */
const IMPORTED = ['image.prepare', 'image.upload', 'image.activate'] as const;

type PlainType = Exclude<ImageEvent['type'], 'image.upload.failed' | 'image.send'>;

interface UploadParts {
	readonly inner: ImageController;
	readonly facts: ImageFacts;
	readonly notifier: Notifier;
	readonly clock: () => number;
}

/** `prepare` when the first byte is asked for (nothing was promised before), then what became of it. */
async function tellUpload(parts: UploadParts, ...[ctx, id, upload]: Parameters<ImageController['upload']>): Promise<Image> {
	const { inner, facts, notifier, clock } = parts;
	const queued = await facts.get(id);
	let begun = false;
	const data = onStart(upload.data, () => {
		begun = true;
		notifier.publish({ type: 'image.prepare', image: { ...queued, status: 'saving' }, ...circumstances(ctx, clock()) });
	});
	try {
		const image = await inner.upload(ctx, id, { ...upload, data });
		notifier.publish({ type: 'image.upload', image, ...circumstances(ctx, clock()) });
		notifier.publish({ type: 'image.activate', image, ...circumstances(ctx, clock()) });
		return image;
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		if (begun) notifier.publish({ type: 'image.upload.failed', image: queued, reason, ...circumstances(ctx, clock(), 'error') });
		throw error;
	}
}

/** Costs nothing per chunk: the source's own iterator is handed on. */
function onStart(source: AsyncIterable<Uint8Array>, started: () => void): AsyncIterable<Uint8Array> {
	return {
		[Symbol.asyncIterator]() {
			started();
			return source[Symbol.asyncIterator]();
		},
	};
}

function tellSent(parts: Pick<UploadParts, 'notifier' | 'clock'>, ctx: RequestContext, download: Download): Download['read'] {
	return async function* sent(range, options) {
		const bytesExpected = range.end - range.start;
		let bytesSent = 0;
		try {
			for await (const chunk of download.read(range, options)) {
				yield chunk;
				bytesSent += chunk.length;
			}
		} finally {
			parts.notifier.publish({
				type: 'image.send',
				image: download.image,
				bytesSent,
				bytesExpected,
				receiverProject: ctx.project,
				receiverUser: ctx.user,
				...circumstances(ctx, parts.clock(), bytesSent === bytesExpected ? 'info' : 'error'),
			});
		}
	};
}
