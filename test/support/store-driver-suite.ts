/**
 * What every store driver must do, whatever its backend. A driver's test file runs it on the real server:
 *
 *     describeStoreDriver('s3 on radosgw', { manifest: s3.manifest, open: (t) => …, missing: false });
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import type { ByteRange } from '#domain/controller.ts';
import { codeOf, type ErrorCode } from '#domain/errors.ts';
import type { ObjectSource } from '#domain/ports/stores.ts';
import type { DriverManifest, StoreDriver } from '#store/driver.ts';

export interface DriverSubject {
	readonly manifest: DriverManifest;
	/** A driver on an empty place of its own; closed after the test. */
	open(t: TestContext): Promise<StoreDriver>;
	/** why it cannot be tried here, in words for people; false: it can */
	readonly missing: string | false;
	/** bytes at which the backend begins a new part, segment or object: ranges are read across them. Default: 1 MiB */
	readonly edgeBytes?: number;
	/** Its places give whole objects only, though the driver serves ranges where they are to be had. Default false */
	readonly wholeOnly?: boolean;
	/** false: one key may be stored twice, as two objects (cinder). Default true */
	readonly keysAreNames?: boolean;
	/** Of a driver that takes no objects: puts one where it finds it, and says its location. */
	seed?(bytes: Uint8Array): Promise<string>;
}

export const signal = new AbortController().signal;
const call = { signal };
const MiB = 1024 * 1024;

export function describeStoreDriver(name: string, subject: DriverSubject): void {
	const { manifest, open, missing, edgeBytes = MiB, keysAreNames = true, wholeOnly = false } = subject;
	const skip = missing === false ? false : `${name}: ${missing}`;
	const nameless = keysAreNames ? skip : `${name}: keys are no names there`;

	describe(`store driver: ${name}`, { skip }, () => {
		const test = (claim: string, body: (driver: StoreDriver) => Promise<unknown>, off: string | boolean = skip) =>
			it(claim, { skip: off }, async (t) => {
				await using driver = await open(t);
				await body(driver);
			});
		/** What cannot be asked of a driver that takes no objects. */
		const writing: typeof test = (...claim) => (manifest.writable ? test(...claim) : Promise.resolve());

		test('gives back what it was given, whole and by range', async (driver) => {
			const bytes = randomBytes(2 * edgeBytes + 4_321);
			const location = await place(driver, bytes);
			assert.equal((await driver.stat(location, call)).size, bytes.length);
			assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
			if (!manifest.ranged) return;
			const last = bytes.length;
			const ranges = [
				[0, 1],
				[0, 4096],
				[7, 7],
				[edgeBytes - 1, edgeBytes + 1],
				[edgeBytes, 2 * edgeBytes],
				[edgeBytes - 5, 2 * edgeBytes + 5],
				[last - 1, last],
				[0, last],
			] as const;
			for (const [start, end] of ranges) {
				if (wholeOnly && start < end && end - start < last) {
					await rejectsWith('whole-only', collect(driver, location, { start, end }));
					continue;
				}
				const got = await collect(driver, location, { start, end });
				assert.equal(digestOf(got), digestOf(bytes.subarray(start, end)), `${start}-${end}`);
			}
		});

		writing('stores a stream of unknown length', async (driver) => {
			for (const length of [0, 1, edgeBytes, edgeBytes + 1, 2 * edgeBytes + 99]) {
				const bytes = randomBytes(length);
				const { location, size } = await driver.put(randomUUID(), unsized(sourceOf(bytes)), call);
				assert.equal(size, length);
				assert.equal((await driver.stat(location, call)).size, length);
				assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
			}
		});

		writing('stores an object of no bytes', async (driver) => {
			const { location } = await driver.put(randomUUID(), sourceOf(Buffer.alloc(0)), call);
			assert.equal((await driver.stat(location, call)).size, 0);
			assert.equal((await collect(driver, location, 'whole')).length, 0);
		});

		test('keeps zeros, wherever they lie', async (driver) => {
			const bytes = Buffer.concat([Buffer.alloc(edgeBytes), randomBytes(1000), Buffer.alloc(2 * edgeBytes)]);
			const location = await place(driver, bytes);
			assert.equal((await driver.stat(location, call)).size, bytes.length);
			assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
		});

		writing('locates a key where put stored it, if it can tell', async (driver) => {
			const key = randomUUID();
			const { location } = await driver.put(key, sourceOf(randomBytes(9)), call);
			assert.equal(driver.locate(key) ?? location, location);
			assert.ok(
				manifest.schemes.some((scheme) => location.startsWith(`${scheme}:`)),
				location,
			);
		});

		writing(
			'refuses a second object of one key and keeps the first',
			async (driver) => {
				const key = randomUUID();
				const first = randomBytes(100);
				const { location } = await driver.put(key, sourceOf(first), call);
				await rejectsWith('conflict', driver.put(key, sourceOf(randomBytes(100)), call));
				assert.ok((await collect(driver, location, 'whole')).equals(first));
			},
			nameless,
		);

		writing('keeps nothing of an object whose bytes are not as many as announced', async (driver) => {
			for (const size of [99, 101, edgeBytes * 2]) {
				const key = randomUUID();
				await rejectsWith('invalid', driver.put(key, { ...sourceOf(randomBytes(100)), size }, call));
				await isAbsent(driver, key);
			}
		});

		writing('keeps nothing when the source fails, early or late', async (driver) => {
			for (const after of [5, edgeBytes + 5, 2 * edgeBytes + 5])
				for (const size of [undefined, 3 * edgeBytes]) {
					const key = randomUUID();
					const failing: ObjectSource = {
						...(size !== undefined && { size }),
						async *read() {
							yield* pieces(randomBytes(after));
							throw new Error('cable cut');
						},
					};
					await assert.rejects(driver.put(key, failing, call), /cable cut/);
					await isAbsent(driver, key);
				}
		});

		writing('keeps nothing of what is aborted, and ends soon', async (driver) => {
			const key = randomUUID();
			const leaving = new AbortController();
			const endless: ObjectSource = {
				async *read() {
					for (let piece = 0; ; piece += 1) {
						if (piece * 65_536 > edgeBytes + 65_536) leaving.abort(new Error('the client left'));
						yield randomBytes(65_536);
					}
				},
			};
			await assert.rejects(driver.put(key, endless, { signal: leaving.signal }));
			await isAbsent(driver, key);
		});

		test('stops reading when its reader leaves', async (driver) => {
			const location = await place(driver, randomBytes(3 * edgeBytes));
			for await (const chunk of driver.get(location, 'whole', call)) {
				assert.ok(chunk.length > 0);
				break;
			}
			const leaving = new AbortController();
			const reading = async () => {
				for await (const _ of driver.get(location, 'whole', { signal: leaving.signal })) leaving.abort(new Error('left'));
			};
			await assert.rejects(reading());
			assert.equal((await driver.stat(location, call)).size, 3 * edgeBytes);
		});

		writing('holds no more of a source than a few parts', async (driver) => {
			let ahead = 0;
			let most = 0;
			const total = 8 * edgeBytes;
			const source: ObjectSource = {
				size: total,
				async *read() {
					const piece = randomBytes(64 * 1024);
					for (let sent = 0; sent < total; sent += piece.length) {
						ahead += 1;
						most = Math.max(most, ahead);
						yield piece.subarray(0, Math.min(piece.length, total - sent));
						ahead -= 1;
					}
				},
			};
			const { size } = await driver.put(randomUUID(), source, call);
			assert.equal(size, total);
			assert.equal(most, 1, 'a chunk is asked for before the one before was taken');
		});

		test('says not-found for what it does not hold', async (driver) => {
			const location = await vacate(driver, await place(driver, randomBytes(10)));
			await rejectsWith('not-found', driver.stat(location, call));
			if (manifest.removable) await rejectsWith('not-found', driver.remove(location, call));
			await rejectsWith('not-found', collect(driver, location, 'whole'));
		});

		test('refuses locations that are not its own', async (driver) => {
			for (const location of ['', 'nonsense', 'file:///etc/passwd', 'gopher://x/y', `${manifest.schemes[0]}://`]) {
				await assert.rejects(driver.stat(location, call), (error) => ['invalid', 'not-found'].includes(codeOf(error) ?? ''));
				await assert.rejects(driver.remove(location, call), (error) => ['invalid', 'not-found'].includes(codeOf(error) ?? ''));
			}
		});

		if (!manifest.writable)
			test('takes nothing and lets nothing go', async (driver) => {
				const bytes = randomBytes(10);
				const location = await place(driver, bytes);
				await assert.rejects(driver.put(randomUUID(), sourceOf(bytes), call));
				await assert.rejects(driver.remove(location, call));
				assert.ok((await collect(driver, location, 'whole')).equals(bytes));
			});

		test('passes its own check', (driver) => driver.check(call));
	});

	async function place(driver: StoreDriver, bytes: Uint8Array): Promise<string> {
		if (subject.seed !== undefined) return subject.seed(bytes);
		const { location, size } = await driver.put(randomUUID(), sourceOf(bytes), call);
		assert.equal(size, bytes.length);
		return location;
	}

	/** Where there is nothing any more, or never was. */
	async function vacate(driver: StoreDriver, location: string): Promise<string> {
		if (!manifest.removable) return `${location}-absent`;
		await driver.remove(location, call);
		return location;
	}

	async function isAbsent(driver: StoreDriver, key: string): Promise<void> {
		const location = driver.locate(key);
		if (location !== undefined) await rejectsWith('not-found', driver.stat(location, call));
	}
}

export function sourceOf(bytes: Uint8Array): ObjectSource {
	return { size: bytes.length, rereadable: true, read: () => pieces(bytes) };
}

function unsized({ size: _, ...source }: ObjectSource): ObjectSource {
	return source;
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
	for (let start = 0; start < bytes.length; start += 65_536) yield bytes.subarray(start, start + 65_536);
}

export async function collect(driver: StoreDriver, location: string, range: ByteRange | 'whole'): Promise<Buffer> {
	const chunks: Uint8Array[] = [];
	for await (const chunk of driver.get(location, range, call)) chunks.push(Buffer.from(chunk));
	return Buffer.concat(chunks);
}

export async function rejectsWith(code: ErrorCode, work: Promise<unknown>): Promise<void> {
	await assert.rejects(work, (error: unknown) => {
		assert.equal(codeOf(error), code, String(error));
		return true;
	});
}

/** Shorter to read in a failure than two buffers. */
export function digestOf(bytes: Uint8Array): string {
	return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;
}
