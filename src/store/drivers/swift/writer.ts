/** Puts objects: finds their place, writes them, and takes back what does not come to its end. */
import { randomUUID } from 'node:crypto';
import { ImageError } from '#domain/errors.ts';
import type { ObjectSource, StoreCall, StoredObject } from '#domain/ports/stores.ts';
import type { Account } from './account.ts';
import { containerOf, provideContainer } from './containers.ts';
import type { NotedUpload, Uploads } from './leftovers.ts';
import { configLocation, storageLocation } from './locations.ts';
import type { SwiftSettings } from './settings.ts';
import { putSegmented, putWhole } from './upload.ts';

export interface WriterParts {
	readonly settings: SwiftSettings;
	/** of a project, or the store's own */
	account(project: string | undefined): Account;
	readonly uploads: Uploads;
}

export interface Writer {
	put(key: string, source: ObjectSource, call: StoreCall): Promise<StoredObject>;
	/** undefined where it depends on whose the image is */
	locate(key: string): string | undefined;
}

const KEY = /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/;

export function createWriter({ settings, account, uploads }: WriterParts): Writer {
	const { multiTenant, largeObjectBytes, segmentBytes, reference } = settings;
	const running = new Set<string>();

	function locate(key: string): string | undefined {
		return multiTenant ? undefined : configLocation(reference.name, containerOf(key, settings), key);
	}

	async function write(what: NotedUpload, source: ObjectSource, signal: AbortSignal): Promise<number> {
		const { key, container, mark, project } = what;
		const { size } = source;
		const begun = new Set<string>();
		const upload = { account: account(project), container, key, mark, signal, begun };
		const small = size !== undefined && size < largeObjectBytes;
		const note = small ? uploads.beginUnnoted(what) : await uploads.begin(what);
		try {
			const bytes = small ? await putWhole(upload, { ...source, size }) : await putSegmented(upload, source, segmentBytes);
			await note.end();
			return bytes;
		} catch (error) {
			await note.undo([...begun], { ...what, failed: true });
			throw error;
		}
	}

	async function putOnce(key: string, source: ObjectSource, { signal, caller }: StoreCall): Promise<StoredObject> {
		await uploads.settle((upload) => upload.key === key);
		const project = multiTenant ? (source.owner ?? caller?.project ?? undefined) : undefined;
		const container = containerOf(key, settings);
		const to = account(project);
		const url = await to.url(signal);
		await provideContainer(to, container, settings, signal);
		const what = { key, container, mark: randomUUID(), failed: false, ...(project !== undefined && { project }) };
		const size = await write(what, source, signal);
		return { location: locate(key) ?? storageLocation(url, container, key), how: 'copy', size };
	}

	return {
		locate,
		async put(key, source, call) {
			if (!KEY.test(key)) throw new ImageError('invalid', 'object keys are image ids');
			if (running.has(key)) throw new ImageError('conflict', 'an object of this name is being written');
			running.add(key);
			try {
				return await putOnce(key, source, call);
			} finally {
				running.delete(key);
			}
		},
	};
}
