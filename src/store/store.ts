/**
 * A store: a driver under the rules that hold for all of them. What a backend cannot do is refused before it is asked; bytes
 * are counted and hashed on their way; what a backend keeps is compared with what was sent; a backend that stops
 * answering is given up in bounded time; what may be asked again is asked again, a few times, later and later.
 * Every error says which store, and why.
 */
import { createHash, type Hash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { ByteRange } from '#domain/controller.ts';
import { codeOf, ImageError } from '#domain/errors.ts';
import type {
	ImageStore,
	ListedObject,
	ObjectSource,
	PutCall,
	StoreCall,
	StoredObject,
	StoreReaders,
} from '#domain/ports/stores.ts';
import type { Log } from '#lib/log.ts';
import { orLeft } from '#lib/or-left.ts';
import type { DriverManifest, StoreDriver } from './driver.ts';

export interface StoreParts {
	readonly id: string;
	readonly manifest: DriverManifest;
	readonly description?: string;
	readonly weight: number;
	readonly readOnly?: boolean;
	readonly properties: Readonly<Record<string, unknown>>;
	/** The driver, as soon as its backend answers; `unavailable` while it does not. */
	driver(signal: AbortSignal): Promise<StoreDriver>;
	fault(): string | undefined;
	readonly log: Log;
	readonly limits?: Partial<StoreLimits>;
}

export interface StoreLimits {
	/** a transfer that brings nothing for so long is given up */
	readonly stallMs: number;
	/** for a question: stat, remove, check, share */
	readonly answerMs: number;
	/** how often what failed by `unavailable` is tried in all */
	readonly tries: number;
	/** before the second try; doubled for each one after */
	readonly pauseMs: number;
}

const DEFAULT_LIMITS: StoreLimits = { stallMs: 120_000, answerMs: 60_000, tries: 3, pauseMs: 500 };
const TELL_EVERY_BYTES = 16 * 1024 * 1024;

export function createStore(parts: StoreParts): ImageStore {
	const { id, manifest, log } = parts;
	const limits = { ...DEFAULT_LIMITS, ...parts.limits };
	const readOnly = parts.readOnly === true || !manifest.writable;

	/** In this store's name; what is no error of ours stays inside, and its text with it. */
	function told(error: unknown, outer: AbortSignal): unknown {
		if (outer.aborted) return outer.reason;
		if (error instanceof ImageError) return named(id, error);
		log.error({ err: error, store: id }, 'a store failed');
		return new ImageError('store-failed', `store ${id}: the backend failed`, { cause: error });
	}

	async function again<T>(work: () => Promise<T>, mayRepeat: () => boolean, signal: AbortSignal): Promise<T> {
		for (let turn = 1; ; turn += 1) {
			try {
				return await work();
			} catch (error) {
				if (turn >= limits.tries || codeOf(error) !== 'unavailable' || signal.aborted || !mayRepeat()) throw told(error, signal);
				log.info({ err: error, store: id, turn }, 'a store is asked again');
				await pause(limits.pauseMs * 2 ** (turn - 1), undefined, { signal }).catch(() => undefined);
			}
		}
	}

	/** A question that is answered or not: asked again freely. */
	function ask<T>(question: (driver: StoreDriver, call: StoreCall) => Promise<T>, call: StoreCall): Promise<T> {
		const once = async () => {
			using watch = watchdog(limits.answerMs, `no answer within ${limits.answerMs / 1000} s`, call.signal);
			return await watch.guard(question(await parts.driver(watch.signal), { ...call, signal: watch.signal }));
		};
		return again(once, () => true, call.signal);
	}

	async function putOnce(key: string, source: ObjectSource, call: PutCall): Promise<StoredObject> {
		using watch = watchdog(limits.stallMs, `nothing went on for ${limits.stallMs / 1000} s`, call.signal);
		const driver = await watch.guard(parts.driver(watch.signal));
		const tally = counted(source, watch, call.onProgress);
		const { signal } = watch;
		const stored = await watch.guardCleaning(driver.put(key, tally.source, { ...call, signal }));
		if (stored.how !== 'copy') return stored;
		try {
			const kept = await watch.guard(driver.stat(stored.location, { ...call, signal }));
			tally.compare(stored, kept.size);
		} catch (error) {
			await driver.remove(stored.location, { signal: AbortSignal.timeout(limits.answerMs) }).catch((left: unknown) => {
				log.warn({ err: left, store: id, key }, 'an object that is not right stays in the store');
			});
			throw error;
		}
		return stored;
	}

	/** Each value in bounded time; a slow reader is no slow backend. */
	async function* flow<T>(of: (driver: StoreDriver, call: StoreCall) => AsyncIterable<T>, call: StoreCall): AsyncGenerator<T> {
		using watch = watchdog(limits.stallMs, `nothing came for ${limits.stallMs / 1000} s`, call.signal);
		const driver = await watch.guard(parts.driver(watch.signal));
		const values = of(driver, { ...call, signal: watch.signal })[Symbol.asyncIterator]();
		try {
			for (;;) {
				const { done, value } = await watch.guard(values.next());
				if (done === true) return;
				watch.rest();
				yield value;
				watch.touch();
			}
		} finally {
			const left = values.return?.();
			// one that does not listen is not waited for
			if (watch.signal.aborted) left?.catch(() => undefined);
			else await left;
		}
	}

	async function* readOnce(location: string, range: ByteRange | 'whole', call: StoreCall, passed: (bytes: number) => void) {
		const wanted = range === 'whole' ? undefined : range.end - range.start;
		let bytes = 0;
		for await (const value of flow((driver, inner) => driver.get(location, range, inner), call)) {
			bytes += value.length;
			if (wanted !== undefined && bytes > wanted) throw new ImageError('store-failed', 'more bytes came than were asked for');
			passed(value.length);
			yield value;
		}
		if (wanted !== undefined && bytes < wanted) throw new ImageError('unavailable', 'the object ended before its end');
	}

	async function* list(call: StoreCall): AsyncGenerator<ListedObject> {
		try {
			yield* flow((driver, inner) => driver.list?.(inner) ?? nothing(), call);
		} catch (error) {
			throw told(error, call.signal);
		}
	}

	async function share(location: string, readers: StoreReaders, call: StoreCall): Promise<void> {
		await ask(async (driver, inner) => driver.share?.(location, readers, inner), call);
	}

	return {
		id,
		type: manifest.type,
		...(parts.description !== undefined && { description: parts.description }),
		weight: parts.weight,
		readOnly,
		ranged: manifest.ranged,
		removable: manifest.removable,
		schemes: manifest.schemes,
		bare: manifest.bare ?? ((location) => location),
		properties: parts.properties,
		fault: parts.fault,
		async put(key, source, call) {
			if (readOnly) throw new ImageError('gone', `store ${id}: it is read-only`);
			let begun = false;
			const watched: ObjectSource = {
				...source,
				read() {
					begun = true;
					return source.read();
				},
			};
			return again(
				() => putOnce(key, watched, call),
				() => !begun || source.rereadable === true,
				call.signal,
			);
		},
		async *get(location, range, call) {
			if (range !== 'whole' && !manifest.ranged) throw new ImageError('whole-only', `store ${id}: it gives whole images only`);
			let start = range === 'whole' ? 0 : range.start;
			for (let turn = 1; ; turn += 1) {
				// what has come is not asked for again, if the store can tell
				const rest = range === 'whole' ? (start === 0 ? range : undefined) : { start, end: range.end };
				try {
					yield* readOnce(location, rest ?? 'whole', call, (bytes) => {
						start += bytes;
					});
					return;
				} catch (error) {
					const resumable = start === 0 || (manifest.ranged && range !== 'whole');
					if (turn >= limits.tries || codeOf(error) !== 'unavailable' || call.signal.aborted || !resumable)
						throw told(error, call.signal);
					log.info({ err: error, store: id, turn }, 'a store is read again');
					await pause(limits.pauseMs * 2 ** (turn - 1), undefined, { signal: call.signal }).catch(() => undefined);
				}
			}
		},
		stat: (location, call) => ask((driver, inner) => driver.stat(location, inner), call),
		async remove(location, call) {
			if (!manifest.removable) return;
			await ask((driver, inner) => driver.remove(location, inner), call);
		},
		locate: (key, call) => ask(async (driver) => driver.locate(key), call),
		check: (call) => ask((driver, inner) => driver.check(inner), call),
		...(manifest.lists === true && { list }),
		...(manifest.shares === true && { share }),
	};
}

async function* nothing(): AsyncGenerator<never> {}

function named(id: string, error: ImageError): ImageError {
	const prefix = `store ${id}: `;
	if (error.message.startsWith(prefix)) return error;
	return new ImageError(error.code, prefix + error.message, { cause: error });
}

interface Tally {
	readonly source: ObjectSource;
	/** `corrupt` or `store-failed` when what is kept is not what was sent. */
	compare(stored: StoredObject, keptBytes: number): void;
}

/** Counts and hashes what the driver reads. */
function counted(source: ObjectSource, watch: Watchdog, onProgress: PutCall['onProgress']): Tally {
	const expected = source.checked === true ? undefined : source.checksum;
	let bytes = 0;
	let digest: Hash | undefined;
	let next = TELL_EVERY_BYTES;
	async function* read(): AsyncGenerator<Uint8Array> {
		bytes = 0;
		digest = expected === undefined ? undefined : createHash('md5');
		for await (const chunk of source.read()) {
			bytes += chunk.length;
			if (source.size !== undefined && bytes > source.size) throw wrongSize(source.size);
			digest?.update(chunk);
			watch.touch();
			if (bytes >= next) {
				onProgress?.(bytes);
				next = bytes + TELL_EVERY_BYTES;
			}
			yield chunk;
			watch.touch();
		}
		if (source.size !== undefined && bytes !== source.size) throw wrongSize(source.size);
		onProgress?.(bytes);
		watch.touch();
	}
	return {
		source: { ...source, read },
		compare(stored, keptBytes) {
			if (keptBytes !== bytes || stored.size !== bytes)
				throw new ImageError('store-failed', `the backend keeps ${keptBytes} of ${bytes} bytes`);
			if (digest?.digest('hex') !== expected)
				throw new ImageError('corrupt', 'the bytes on their way to it are not those of the image');
		},
	};
}

function wrongSize(expected: number): ImageError {
	return new ImageError('invalid', `the object's data are not the ${expected} bytes announced`);
}

interface Watchdog extends Disposable {
	/** of the outer signal, or of this watch */
	readonly signal: AbortSignal;
	/** something went on */
	touch(): void;
	/** nobody is waited for until `touch` */
	rest(): void;
	/** Settles with the work, or as soon as the signal fires: also when the work does not listen. */
	guard<T>(work: Promise<T>): Promise<T>;
	/** As `guard`, but the work has some time to take back what it did. */
	guardCleaning<T>(work: Promise<T>): Promise<T>;
}

const CLEANING_MS = 15_000;

function watchdog(ms: number, why: string, outer: AbortSignal): Watchdog {
	const late = new AbortController();
	const signal = AbortSignal.any([outer, late.signal]);
	const expire = () => late.abort(new ImageError('unavailable', why));
	let timer: NodeJS.Timeout | undefined = setTimeout(expire, ms).unref();
	const rest = () => {
		clearTimeout(timer);
		timer = undefined;
	};
	return {
		signal,
		rest,
		touch() {
			if (timer === undefined) timer = setTimeout(expire, ms).unref();
			else timer.refresh();
		},
		guard: (work) => orLeft(work, signal),
		async guardCleaning(work) {
			try {
				return await orLeft(work, signal);
			} catch (error) {
				// what was half written goes before anybody is told
				if (signal.aborted) await Promise.race([work.catch(() => undefined), pause(CLEANING_MS, undefined, { ref: false })]);
				throw error;
			}
		},
		[Symbol.dispose]: rest,
	};
}
