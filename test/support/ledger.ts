/**
 * What a test was told and what must therefore hold after any crash: every acknowledged image is there with its exact
 * bytes, every other one is queued (and takes an upload) or active with its exact bytes, and nothing lies about in between.
 */
import assert from 'node:assert/strict';
import type { ImageClient } from './image-client.ts';
import type { SampleContent } from './sample-content.ts';

interface Entry {
	readonly content: SampleContent;
	acknowledged: boolean;
}

export interface UploadLedger {
	/** Creates an image and uploads; notes the acknowledgement when, and only when, it arrives. A broken connection throws. */
	upload(client: ImageClient, content: SampleContent, signal?: AbortSignal): Promise<void>;
	acknowledged(): ReadonlySet<string>;
	/** Asserts the promises for every image noted; `mustHold` are the acknowledged ones at the moment of the crash. Unfinished images are removed. */
	check(client: ImageClient, mustHold: ReadonlySet<string>, readBack: (id: string) => boolean): Promise<Standing>;
	/** Deletes images until at most `count` are left. */
	trim(client: ImageClient, count: number): Promise<void>;
}

export interface Standing {
	readonly active: number;
	/** distinct contents that active images name */
	readonly contents: number;
	readonly readBack: number;
}

export function createUploadLedger(): UploadLedger {
	const entries = new Map<string, Entry>();

	const checkOne = async (client: ImageClient, id: string, entry: Entry, held: boolean, read: boolean): Promise<boolean> => {
		const image = await client.show(id);
		assert.ok(image !== undefined, `image ${id} is gone (${held ? 'acknowledged' : 'its creation was'})`);
		if (held) assert.equal(image.status, 'active', `image ${id} was acknowledged and is ${image.status}`);
		assert.ok(image.status === 'active' || image.status === 'queued', `image ${id} is ${image.status} after recovery`);
		if (image.status === 'queued') {
			assert.deepEqual([image.size, image.checksum, image.os_hash_value], [null, null, null], `queued image ${id} shows data`);
			return false;
		}
		assert.equal(image.size, entry.content.size);
		assert.equal(image.os_hash_value, entry.content.sha512(), `image ${id} is active with another hash`);
		if (read) assert.equal((await client.download(id)).sha512, entry.content.sha512(), `image ${id} gives other bytes`);
		return true;
	};

	return {
		async upload(client, content, signal) {
			const { id } = await client.create();
			const entry: Entry = { content, acknowledged: false };
			entries.set(id, entry);
			const answer = await client.upload(id, content, signal === undefined ? {} : { signal });
			assert.equal(answer.status, 204, answer.body);
			entry.acknowledged = true;
		},
		acknowledged: () => new Set([...entries].filter(([, { acknowledged }]) => acknowledged).map(([id]) => id)),
		async check(client, mustHold, readBack) {
			let active = 0;
			let read = 0;
			const contents = new Set<string>();
			for (const [id, entry] of [...entries]) {
				const wanted = readBack(id) || !mustHold.has(id);
				if (await checkOne(client, id, entry, mustHold.has(id), wanted)) {
					active++;
					if (wanted) read++;
					contents.add(entry.content.sha512());
					entry.acknowledged = true;
				} else {
					const { status, body } = await client.upload(id, entry.content);
					assert.equal(status, 204, `queued image ${id} does not take its data: ${body}`);
					assert.equal((await client.download(id)).sha512, entry.content.sha512());
					assert.equal((await client.remove(id)).status, 204);
					entries.delete(id);
				}
			}
			return { active, contents: contents.size, readBack: read };
		},
		async trim(client, count) {
			for (const id of [...entries.keys()].slice(0, Math.max(0, entries.size - count))) {
				assert.equal((await client.remove(id)).status, 204);
				entries.delete(id);
			}
		},
	};
}
