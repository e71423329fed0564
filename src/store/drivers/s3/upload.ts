/** One object on its way into the bucket: in one request, or in parts. */
import { randomUUID } from 'node:crypto';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { orLeft } from '#lib/or-left.ts';
import type { Note } from '#store/drivers/half-made.ts';
import type { Kept, Part, S3Client } from './client.ts';
import { statusOf } from './errors.ts';
import type { FailedUpload, NotedUpload, Uploads } from './leftovers.ts';
import { type BufferLease, LARGEST_KEPT_BYTES, MOST_PARTS, type PartBuffers, partBytesOf } from './parts.ts';
import { bodyOf, compareMd5, persist, sendStream } from './pieces.ts';
import type { S3Settings } from './settings.ts';
import { readSource, type SourceReader } from './source-reader.ts';

export interface Uploading {
	readonly settings: S3Settings;
	readonly client: S3Client;
	readonly buffers: PartBuffers;
	readonly uploads: Uploads;
	/** whether the server knows `If-None-Match: *`: it says so when it is first asked */
	conditions: 'unknown' | 'known' | 'refused';
}

interface Job {
	readonly up: Uploading;
	readonly attempt: NotedUpload;
	readonly note: Note<NotedUpload, FailedUpload>;
	readonly reader: SourceReader;
	readonly lease: BufferLease;
	readonly source: ObjectSource;
	readonly signal: AbortSignal;
}

/** Resolves to the number of bytes; when it fails, nothing of it is in the bucket as far as the server can be reached. */
export async function upload(up: Uploading, key: string, source: ObjectSource, signal: AbortSignal): Promise<number> {
	await up.uploads.settle((left) => left.key === key);
	if ((await up.client.find(key, signal)) !== undefined) throw taken();
	const attempt: NotedUpload = { key, mark: randomUUID() };
	const note = await up.uploads.begin(attempt);
	try {
		await using reader = readSource(source, signal);
		using lease = up.buffers.lease(up.settings.parallelParts + 1);
		await send({ up, attempt, note, reader, lease, source, signal });
		await confirm(up.client, attempt, reader.bytes, signal);
		await note.end();
		return reader.bytes;
	} catch (error) {
		await note.undo({ unsure: statusOf(error) === undefined });
		throw error;
	}
}

async function send(job: Job): Promise<void> {
	const { source, reader } = job;
	const { settings } = job.up;
	const { size } = source;
	const whole = (bytes: number) => bytes === 0 || bytes < settings.wholeBelowBytes;
	if (size !== undefined && size > Math.min(settings.partBytes, LARGEST_KEPT_BYTES)) {
		// a checksum must be known before its bytes are sent: those of parts are
		if (whole(size) && !settings.sendChecksums) return await putStream(job, size);
		return await putParts(job);
	}
	const first = await fill(job, 1);
	const ended = await reader.atEnd();
	if (ended && whole(first.length)) await putBuffer(job, first);
	else await putParts(job, first);
}

async function fill({ up, lease, reader, source: { size } }: Job, number: number): Promise<Buffer> {
	const left = size === undefined ? Number.POSITIVE_INFINITY : size - reader.bytes;
	const buffer = await lease.take(Math.min(partBytesOf(number, up.settings.partBytes, size), left));
	return buffer.subarray(0, await reader.fill(buffer));
}

async function putBuffer(job: Job, buffer: Buffer): Promise<void> {
	const { attempt, source, signal } = job;
	const { client } = job.up;
	const body = bodyOf(buffer);
	if (source.checksum !== undefined && source.checksum !== body.md5)
		throw new ImageError('corrupt', 'the bytes on their way to it are not those of the image');
	const { key, mark } = attempt;
	const put = () => onlyNew(job, (only) => client.put(key, body, { mark, onlyNew: only }, signal));
	compareMd5(await persist(put, () => landed(job), signal), body.md5);
}

/** Not asked again: its bytes have gone by. */
async function putStream(job: Job, length: number): Promise<void> {
	const { attempt, reader, source, signal } = job;
	const { client, conditions: known } = job.up;
	const conditions = { mark: attempt.mark, onlyNew: known === 'known' };
	const md5 = source.checksum !== undefined && { md5: source.checksum };
	const put = () =>
		sendStream(reader, { length, last: true, ...md5 }, (body, both) => client.put(attempt.key, body, conditions, both), signal);
	await put().catch(async (error: unknown) => {
		if (codeOf(error) !== 'unavailable' || signal.aborted || (await landed(job).catch(() => undefined)) === undefined)
			throw error;
	});
}

async function putParts(job: Job, first?: Buffer): Promise<void> {
	const { attempt, note, signal } = job;
	const { client } = job.up;
	const { key, mark } = attempt;
	const others = (await client.pendingUploads(key, signal)).map((each) => each.id);
	const asked = { atMs: Date.now(), others };
	await note.change({ ...attempt, asked });
	const id = await client.begin(key, mark, signal);
	await note.change({ ...attempt, asked, upload: id });
	const parts = await sendParts(job, id, first);
	if ((await client.find(key, signal)) !== undefined) throw taken();
	const finish = async () => {
		await onlyNew(job, (only) => client.finish(key, id, parts, only, signal));
		return true;
	};
	await persist(finish, async () => ((await landed(job)) === undefined ? undefined : true), signal);
}

/** Several at once, as far as buffers go; the first that fails ends the others. */
async function sendParts(job: Job, id: string, first?: Buffer): Promise<readonly Part[]> {
	const { lease, reader, source, attempt } = job;
	const { settings, client } = job.up;
	const failed = new AbortController();
	const signal = AbortSignal.any([job.signal, failed.signal]);
	const parts: Part[] = [];
	const running = new Set<Promise<void>>();

	async function sendBuffer(number: number, buffer: Buffer): Promise<void> {
		try {
			const body = bodyOf(buffer);
			const put = () => client.putPart(attempt.key, id, number, body, signal);
			const kept = await persist(put, async () => undefined, signal);
			compareMd5(kept, body.md5);
			parts[number - 1] = { ...kept, number };
		} catch (error) {
			failed.abort(error);
		} finally {
			lease.give(buffer);
		}
	}

	async function sendDirectly(number: number, length: number): Promise<void> {
		const put = (body: Parameters<typeof client.putPart>[3], both: AbortSignal) =>
			client.putPart(attempt.key, id, number, body, both);
		parts[number - 1] = { ...(await sendStream(reader, { length, last: false }, put, signal)), number };
	}

	try {
		let filled = first;
		for (let number = 1; filled !== undefined || !(await orLeft(reader.atEnd(), signal)); number += 1) {
			if (number > MOST_PARTS) throw new ImageError('full', 'the object is larger than s3 takes');
			const bytes = partBytesOf(number, settings.partBytes, source.size);
			if (source.size !== undefined && bytes > LARGEST_KEPT_BYTES) {
				await sendDirectly(number, Math.min(bytes, source.size - reader.bytes));
				continue;
			}
			const sending = sendBuffer(number, filled ?? (await orLeft(fill(job, number), signal)));
			filled = undefined;
			running.add(sending);
			void sending.finally(() => running.delete(sending));
		}
	} catch (error) {
		failed.abort(error);
	}
	await Promise.all(running);
	signal.throwIfAborted();
	return parts;
}

/** With the condition, as long as the server does not refuse it: then by looking just before. */
async function onlyNew<T>({ up, attempt, signal }: Job, request: (only: boolean) => Promise<T>): Promise<T> {
	if (up.conditions !== 'refused') {
		try {
			const answer = await request(true);
			up.conditions = 'known';
			return answer;
		} catch (error) {
			if (statusOf(error) !== 501) throw error;
			up.conditions = 'refused';
		}
	}
	if ((await up.client.find(attempt.key, signal)) !== undefined) throw taken();
	return await request(false);
}

/** Whether this very upload has made an object: an answer may be lost on its way. */
async function landed({ up, attempt, signal }: Job): Promise<Kept | undefined> {
	const found = await up.client.find(attempt.key, signal);
	return found?.mark === attempt.mark ? { etag: found.etag ?? '', md5: undefined } : undefined;
}

async function confirm(client: S3Client, { key, mark }: NotedUpload, bytes: number, signal: AbortSignal): Promise<void> {
	const found = await client.find(key, signal);
	if (found === undefined) throw new ImageError('store-failed', 'the s3 server does not have what it took');
	if (found.mark !== undefined && found.mark !== mark) throw taken();
	if (found.size !== bytes) throw new ImageError('store-failed', `the s3 server keeps ${found.size} of ${bytes} bytes`);
}

function taken(): ImageError {
	return new ImageError('conflict', 'an object of that key exists');
}
