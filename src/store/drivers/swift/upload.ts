/**
 * Writes objects as Glance does: a short one by a single PUT; one that is long, or of which nobody knows how long it is, in segments
 * `<object>-00001`, … and an empty object whose manifest is `<container>/<object>-` (a dynamic large object).
 */
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ImageError } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { type Account, encodeName, refusal } from './account.ts';
import type { RequestBody } from './exchange.ts';
import type { HttpAnswer } from './http.ts';
import { MARK_HEADER, segmentName } from './leftovers.ts';
import { listObjects } from './listing.ts';
import { createPieces, type Pieces, wrongSize } from './pieces.ts';

export interface Upload {
	readonly account: Account;
	readonly container: string;
	readonly key: string;
	/** of all that it writes */
	readonly mark: string;
	readonly signal: AbortSignal;
	/** What may be there by now and bears the mark, in the order in which it was begun. */
	readonly begun: Set<string>;
}

/** A container's listing follows its objects; what it lacks after so long is not awaited. */
const LONGEST_PAUSE_MS = 5000;

/** One PUT. Resolves with the number of bytes. */
export async function putWhole(upload: Upload, source: ObjectSource & { readonly size: number }): Promise<number> {
	await refuseSecond(upload);
	const pieces = createPieces(source, upload.signal);
	try {
		await putStream(upload, upload.key, () => pieces.takeAll(source.size), { size: source.size, checksum: source.checksum });
		return source.size;
	} finally {
		pieces.close();
	}
}

/**
 * Resolves with the number of bytes. The object is there from the beginning, empty: of two who write the same name one is refused
 * before it writes a segment. Until that object names its segments it is nobody's image.
 */
export async function putSegmented(upload: Upload, source: ObjectSource, segmentBytes: number): Promise<number> {
	await refuseSecond(upload);
	await put(upload, upload.key, Buffer.alloc(0), { 'if-none-match': '*' });
	await stillOurs(upload);
	const pieces = createPieces(source, upload.signal);
	try {
		const written = await putSegments(upload, source.size, pieces, segmentBytes);
		if (written.size > 0) {
			await allListed(upload, written);
			await stillOurs(upload);
			await putManifest(upload);
		}
		return written.values().reduce((sum, { bytes }) => sum + bytes, 0);
	} finally {
		pieces.close();
	}
}

/** Asked before too, as radosgw takes no notice of `If-None-Match`. */
async function refuseSecond({ account, container, key, signal }: Upload): Promise<void> {
	const { status } = await account.ask({ method: 'HEAD', container, object: key, signal });
	if (status < 300) throw existing();
	if (status !== 404) throw refusal(status, 'looking for an object');
}

function existing(): ImageError {
	return new ImageError('conflict', 'swift holds an object of this name already');
}

/** Requests that overlap are not refused by `If-None-Match`: the later one wins. */
async function stillOurs({ account, container, key, mark, signal }: Upload): Promise<void> {
	const { status, header } = await account.ask({ method: 'HEAD', container, object: key, signal });
	if (status >= 300 && status !== 404) throw refusal(status, 'looking for an object');
	if (header(MARK_HEADER) !== mark) throw new ImageError('conflict', 'somebody else writes an object of this name');
}

/** The segments, by name. */
async function putSegments(upload: Upload, size: number | undefined, pieces: Pieces, segmentBytes: number) {
	const written = new Map<string, Sent>();
	let bytes = 0;
	while (!(await pieces.ended())) {
		const limit = Math.min(segmentBytes, size === undefined ? segmentBytes : size - bytes);
		if (size !== undefined && limit === 0) throw wrongSize(size);
		const name = segmentName(upload.key, written.size + 1);
		const known = size === undefined ? {} : { size: limit };
		const sent = await putStream(upload, name, () => exactly(pieces.take(limit), known.size, size), known);
		written.set(name, sent);
		bytes += sent.bytes;
	}
	if (size !== undefined && bytes !== size) throw wrongSize(size);
	return written;
}

/** Fails instead of ending early, so that a request is broken off and not left waiting for its last bytes. */
async function* exactly(chunks: AsyncIterable<Uint8Array>, wanted: number | undefined, whole: number | undefined) {
	let bytes = 0;
	for await (const chunk of chunks) {
		bytes += chunk.length;
		yield chunk;
	}
	if (wanted !== undefined && bytes !== wanted) throw wrongSize(whole ?? wanted);
}

/** Until the container lists every segment an object made of them is shorter than it should be. */
async function allListed({ account, container, key, signal }: Upload, written: ReadonlyMap<string, Sent>): Promise<void> {
	for (let pauseMs = 40; ; pauseMs *= 2) {
		let seen = 0;
		for await (const { name, bytes, hash } of listObjects(account, container, `${key}-`, signal)) {
			if (!written.has(name)) throw new ImageError('conflict', 'swift holds segments of another upload of this name');
			const sent = written.get(name);
			if (sent?.bytes === bytes && sent.md5 === hash) seen += 1;
		}
		if (seen === written.size) return;
		if (pauseMs > LONGEST_PAUSE_MS)
			throw new ImageError('unavailable', `the container lists ${seen} of ${written.size} segments`);
		await pause(pauseMs, undefined, { signal });
	}
}

async function putManifest(upload: Upload): Promise<void> {
	const manifest = `${encodeName(upload.container)}/${encodeName(upload.key)}-`;
	await put(upload, upload.key, Buffer.alloc(0), { 'x-object-manifest': manifest });
}

interface Sent {
	readonly bytes: number;
	/** hex */
	readonly md5: string;
}

interface Known {
	readonly size?: number;
	/** md5, hex */
	readonly checksum?: string | undefined;
}

/** Resolves when Swift has the very bytes that were sent. */
async function putStream(upload: Upload, object: string, read: () => AsyncIterable<Uint8Array>, known: Known): Promise<Sent> {
	const digest = createHash('md5');
	let bytes = 0;
	const body: RequestBody = {
		...(known.size !== undefined && { size: known.size }),
		async *read() {
			for await (const chunk of read()) {
				digest.update(chunk);
				bytes += chunk.length;
				yield chunk;
			}
		},
	};
	const { checksum } = known;
	const answer = await put(upload, object, body, { 'if-none-match': '*', ...(checksum !== undefined && { etag: checksum }) });
	const sent = digest.digest('hex');
	if (answer.status === 422)
		throw checksum !== sent
			? new ImageError('corrupt', 'the bytes on their way to swift are not those of the image')
			: new ImageError('store-failed', 'the bytes that swift got are not those that were sent');
	if (answer.header('etag')?.replaceAll('"', '') !== sent)
		throw new ImageError('store-failed', 'the bytes that swift keeps are not those that were sent');
	return { bytes, md5: sent };
}

/** Resolves when the object is there, and with 422. */
async function put(
	{ account, container, mark, signal, begun }: Upload,
	object: string,
	body: RequestBody,
	more: object,
): Promise<HttpAnswer> {
	begun.add(object);
	const headers = { 'content-type': 'application/octet-stream', [MARK_HEADER]: mark, ...more };
	const answer = await account.ask({ method: 'PUT', container, object, headers, body, signal });
	if (answer.status < 300 || answer.status === 422) return answer;
	if (answer.status === 412) {
		// a request that was sent again may meet what it did itself the first time
		const there = await account.ask({ method: 'HEAD', container, object, signal });
		if (there.status < 300 && there.header(MARK_HEADER) === mark) return there;
		begun.delete(object);
		throw existing();
	}
	if (answer.status === 404) throw new ImageError('store-failed', `the container ${container} is not in swift`);
	throw refusal(answer.status, 'writing an object');
}
