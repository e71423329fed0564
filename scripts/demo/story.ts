/** What happens in the demo: uploads and saves that are watched, checked and noted down for the table. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Member } from '../../test/support/fleet.ts';
import { bytesBySource } from '../../test/support/transfers.ts';
import type { DiskImage } from './disk-image.ts';
import { mebibytes, type Screen } from './screen.ts';

export interface Deed {
	readonly node: string;
	readonly image: string;
	readonly what: string;
	readonly local: number;
	readonly peer: number;
	readonly origin: number;
	readonly seconds: number;
	readonly equal: boolean;
}

export interface Story {
	upload(member: Member, image: DiskImage): Promise<string>;
	/** Saves the image at a node and compares it with the file it came from. */
	save(member: Member, id: string, image: DiskImage, what: string): Promise<Deed>;
	note(deed: Deed): void;
	deeds(): readonly Deed[];
}

export function createStory(screen: Screen): Story {
	const deeds: Deed[] = [];
	const digests = new Map<string, string>();
	const note = (deed: Deed) => void deeds.push(deed);

	return {
		note,
		deeds: () => deeds,
		async upload({ node, client }, image) {
			const site = node.ready.site;
			const digest = await sha512Of(image.path);
			digests.set(image.path, digest);
			const created = await client.create({ name: image.name, disk_format: image.diskFormat });
			const bar = screen.bar(`upload at ${site}`, image.size);
			const startedAt = performance.now();
			const answer = await client.upload(created.id, { size: image.size, pieces: () => counted(image.path, bar.at) });
			if (answer.status !== 204) {
				bar.failed();
				throw new Error(`upload at ${site}: ${answer.status} ${answer.body}`);
			}
			const seconds = (performance.now() - startedAt) / 1000;
			const shown = await client.show(created.id);
			const equal = shown?.status === 'active' && shown.os_hash_value === digest;
			bar.done(`${seconds.toFixed(2)} s, image ${created.id} is ${shown?.status}`);
			note({ node: site, image: image.name, what: 'upload', local: 0, peer: 0, origin: 0, seconds, equal });
			return created.id;
		},
		async save({ node, client }, id, image, what) {
			const site = node.ready.site;
			await client.until(id, `known at ${site}`, ({ status }) => status === 'active');
			const before = await bytesBySource(client, id);
			const bar = screen.bar(`save at ${site}`, image.size);
			const startedAt = performance.now();
			const saved = await client.download(id, { onData: (_chunk, received) => bar.at(received) });
			const seconds = (performance.now() - startedAt) / 1000;
			const after = await bytesBySource(client, id);
			const equal = saved.sha512 === digests.get(image.path);
			const deed: Deed = {
				node: site,
				image: image.name,
				what,
				local: after.local - before.local,
				peer: after.peer - before.peer,
				origin: after.origin - before.origin,
				seconds,
				equal,
			};
			bar.done(
				`${seconds.toFixed(2)} s, first byte after ${saved.firstByteMs.toFixed(0)} ms, ${mebibytes(deed.peer)} from peers, sha-512 ${equal ? 'equal' : 'DIFFERS'}`,
			);
			note(deed);
			return deed;
		},
	};
}

/** hex */
export async function sha512Of(path: string): Promise<string> {
	const hash = createHash('sha512');
	for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer);
	return hash.digest('hex');
}

async function* counted(path: string, at: (bytes: number) => void): AsyncGenerator<Buffer> {
	let sent = 0;
	for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 18 }) as AsyncIterable<Buffer>) {
		yield chunk;
		sent += chunk.length;
		at(sent);
	}
}
