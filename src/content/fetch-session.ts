/**
 * Fills one content from several sources at once, for all its readers and for whoever wants it whole. Every block is
 * verified before it is written; a source that fails is put aside and its blocks go to others; a source that lies is
 * reported and not asked again.
 */
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import { orAborted } from './abort.ts';
import { type Attempt, createAttempts } from './attempts.ts';
import { createDemand, type ReaderDemand } from './demand.ts';
import { same } from './digest-table.ts';
import type { Filler } from './filler.ts';
import { untilHopeless } from './hope.ts';
import { blockLength, digestAt } from './manifest.ts';
import { blocksPassing } from './passing.ts';
import type { BlockDigests, BlockSource, BlockSources, PassingSource, TransferLedger } from './ports.ts';
import type { Room } from './room.ts';
import type { Slot } from './slots.ts';
import { isPresent } from './stored-content.ts';
import { createSupply, type Lane } from './supply.ts';

export interface FetchSession extends AsyncDisposable {
	readonly filler: Filler;
	/** Somebody reads blocks [first, end) in order. */
	read(first: number, end: number): SessionReader;
	/** Resolves when the content is whole and durable. */
	complete(signal: AbortSignal, onProgress: (present: number, count: number) => void): Promise<void>;
	/** Takes what is missing from a stream of the whole content; resolves when nothing is missing any more. */
	takePassing(source: PassingSource, signal: AbortSignal): Promise<void>;
	/** Has everybody gone? */
	idle(): boolean;
}

export interface SessionReader extends Disposable {
	/** Waits for the block, and moves the reader's window there. True when the block was here before the reader came. */
	need(index: number, signal: AbortSignal): Promise<boolean>;
}

/** A free source takes over a block that is under way elsewhere only after so many of its own block times. */
const HEDGE_PACES = 4;
const SMOOTHING = 0.2;

export function createFetchSession(
	room: Room,
	content: ContentRef,
	digests: BlockDigests,
	filler: Filler,
	sources: BlockSources,
	ledger: TransferLedger,
): FetchSession {
	const { limits, threads } = room;
	const { count } = filler.content;
	const attempts = createAttempts();
	const demand = createDemand({
		count,
		windowBlocks: Math.max(1, Math.ceil(limits.readWindowBytes / content.blockSize)),
		isOpen: (index) => !isPresent(filler.content, index) && !attempts.has(filler.fetchable(index)),
	});
	/** when each block came, in order of coming; 0: before this session */
	const cameAs = new Uint32Array(count);
	const closed = new AbortController();
	const running = new Set<Promise<void>>();
	let came = 0;
	/** streams of the whole content that go by */
	let passing = 0;
	let spare: Slot | undefined;
	let waitingForSlot = false;
	let hedgeTimer: NodeJS.Timeout | undefined;
	const watchers = new Set<() => void>();

	const supply = createSupply(content, sources, limits, () => pump());

	const lengthOf = (index: number): number => blockLength(content.size, content.blockSize, index);

	const takeSlot = (): Slot | undefined => {
		const slot = spare ?? threads.fetchSlots().tryTake();
		spare = undefined;
		if (slot === undefined && !waitingForSlot) void waitForSlot();
		return slot;
	};

	const waitForSlot = async (): Promise<void> => {
		waitingForSlot = true;
		try {
			spare = await threads.fetchSlots().take(closed.signal);
		} catch {
			return;
		} finally {
			waitingForSlot = false;
		}
		pump();
		if (spare !== undefined) threads.fetchSlots().give(spare);
		spare = undefined;
	};

	/** The next block for a lane: one that is open, else, near the end, one that another lane is slow with. */
	const pick = (lane: Lane): number | undefined => {
		const open = demand.next((index) => lane.lacks.has(filler.fetchable(index)));
		return open === undefined ? pickSlow(lane) : filler.fetchable(open);
	};

	const pickSlow = (lane: Lane): number | undefined => {
		const patience = Math.max(limits.hedgeAfterMs, HEDGE_PACES * (lane.paceMs ?? 0));
		const oldest = attempts.oldestAlone(lane, (index) => lane.lacks.has(index) || isPresent(filler.content, index));
		if (oldest === undefined) return undefined;
		const left = oldest.startedAt + patience - performance.now();
		if (left <= 0) return oldest.index;
		hedgeTimer ??= setTimeout(() => {
			hedgeTimer = undefined;
			pump();
		}, left + 1).unref();
		return undefined;
	};

	/** Gives work to every lane that can take some, block by block in turn. */
	const pump = (): void => {
		if (closed.signal.aborted || !demand.wanted()) return;
		supply.refresh();
		for (let given = true; given; ) {
			given = false;
			for (const lane of [...supply.lanes()]) {
				if (lane.active >= lane.session.depth) continue;
				const index = pick(lane);
				if (index === undefined) continue;
				const slot = takeSlot();
				if (slot === undefined) return;
				launch(lane, index, slot);
				given = true;
			}
		}
	};

	const launch = (lane: Lane, index: number, slot: Slot): void => {
		const attempt = attempts.begin(lane, index);
		lane.active++;
		const work = run(attempt, index, slot).finally(() => {
			running.delete(work);
			threads.fetchSlots().give(slot);
			lane.active--;
			endAttempt(attempt);
			pump();
		});
		running.add(work);
	};

	const endAttempt = (attempt: Attempt): void => {
		const alone = attempts.end(attempt);
		if (isPresent(filler.content, attempt.index)) attempts.cancelAll(({ index }) => index === attempt.index);
		else if (alone) demand.reopen(attempt.index);
	};

	const run = async (attempt: Attempt, index: number, slot: Slot): Promise<void> => {
		const into = slot.bytes.subarray(0, lengthOf(index));
		if (!(await fetch(attempt, index, into)) || isPresent(filler.content, index)) return;
		try {
			const digest = await threads.digest(slot, into.length);
			if (!same(digest, digestAt(digests, index))) return refuse(attempt.lane, index);
			if (isPresent(filler.content, index)) return;
			// Before the reader wakes, who wants to know where the block came from.
			cameAs[index] = ++came;
			await filler.arrive(index, into);
		} catch (error) {
			// Our own disk or threads: no other source would help.
			return filler.fail(error);
		}
		settle(attempt, into.length);
	};

	const settle = ({ lane, startedAt }: Attempt, bytes: number): void => {
		const took = performance.now() - startedAt;
		lane.paceMs = lane.paceMs === undefined ? took : lane.paceMs + SMOOTHING * (took - lane.paceMs);
		supply.trust(lane);
		tell(lane.source, bytes);
	};

	const tell = ({ kind, name }: Pick<BlockSource, 'kind' | 'name'>, bytes: number): void => {
		ledger.add(content.root, { kind, name }, bytes);
		for (const watch of watchers) watch();
		finishIfWhole();
	};

	const keepPassing = async (name: string, index: number, bytes: Uint8Array, signal: AbortSignal): Promise<void> => {
		const slot = await threads.fetchSlots().take(signal);
		try {
			const block = slot.bytes.subarray(0, bytes.length);
			block.set(bytes);
			if (!same(await threads.digest(slot, block.length), digestAt(digests, index))) {
				sources.reportBad(name, content, index);
				throw new ImageError('corrupt', `${name} has other bytes than those of content ${content.root}`);
			}
			if (isPresent(filler.content, index)) return;
			cameAs[index] = ++came;
			await filler.arrive(index, block).catch((error: unknown) => {
				filler.fail(error);
				throw error;
			});
		} finally {
			threads.fetchSlots().give(slot);
		}
		attempts.cancelAll((attempt) => attempt.index === index);
		tell({ kind: 'origin', name }, bytes.length);
	};

	const takePassing = async ({ name, read }: PassingSource, signal: AbortSignal): Promise<void> => {
		let index = 0;
		passing++;
		try {
			for await (const bytes of blocksPassing(read(signal), content)) {
				signal.throwIfAborted();
				if (!isPresent(filler.content, index)) await keepPassing(name, index, bytes, signal);
				if (filler.missing() === 0) return;
				index++;
			}
		} finally {
			passing--;
		}
	};

	/** Whoever asked for it, a content that lacks nothing becomes whole; a failure reaches those who wait. */
	const finishIfWhole = (): void => {
		if (filler.missing() === 0) void filler.finish().catch(() => undefined);
	};

	/** True when the bytes came; what went wrong otherwise is settled between us and the source. */
	const fetch = async ({ lane, controller }: Attempt, index: number, into: Uint8Array): Promise<boolean> => {
		const timer = setTimeout(
			() => controller.abort(new ImageError('timeout', 'a source gave no block in time')),
			limits.blockTimeoutMs,
		);
		try {
			await lane.session.fetch(index, into, { signal: AbortSignal.any([controller.signal, closed.signal]) });
			return true;
		} catch (error) {
			const stalled = codeOf(controller.signal.reason) === 'timeout';
			if (closed.signal.aborted || (controller.signal.aborted && !stalled)) return false;
			if (codeOf(error) === 'not-found' && !stalled) lane.lacks.add(index);
			else abandon(lane, stalled ? controller.signal.reason : error);
			return false;
		} finally {
			clearTimeout(timer);
		}
	};

	const abandon = (lane: Lane, error: unknown): void => {
		if (lane.open)
			room.log.warn({ err: error, source: lane.source.name, root: content.root }, 'a source of blocks failed and is put aside');
		supply.drop(lane, 'pause');
		attempts.cancelAll((attempt) => attempt.lane === lane);
	};

	const refuse = (lane: Lane, index: number): void => {
		room.log.error({ source: lane.source.name, root: content.root, block: index }, 'a source gave bytes that are not the block');
		sources.reportBad(lane.source.name, content, index);
		supply.drop(lane, 'ban');
		attempts.cancelAll((attempt) => attempt.lane === lane);
	};

	/** May the block still come from somewhere we know? */
	const isHopeful = (index: number): boolean => {
		const wanted = filler.fetchable(index);
		return passing > 0 || attempts.has(wanted) || supply.opening() || supply.lanes().some((lane) => !lane.lacks.has(wanted));
	};

	const noHope = {
		afterMs: limits.sourceWaitMs,
		message: `no source can give the missing blocks of content ${content.root} now`,
	};

	const readerOf = (reader: ReaderDemand): SessionReader => {
		const cameBefore = came;
		return {
			async need(index, signal) {
				reader.position = index;
				if (!isPresent(filler.content, index)) {
					const left = new AbortController();
					pump();
					try {
						await untilHopeless(
							filler.whenPresent(index, AbortSignal.any([signal, left.signal])),
							() => isHopeful(index),
							noHope,
						);
					} finally {
						left.abort();
					}
				} else pump();
				const order = cameAs[filler.fetchable(index)] ?? 0;
				return order <= cameBefore;
			},
			[Symbol.dispose]() {
				reader[Symbol.dispose]();
			},
		};
	};

	finishIfWhole();

	return {
		filler,
		read: (first, end) => readerOf(demand.addReader(first, end)),
		idle: () => !demand.wanted(),
		takePassing(source, signal) {
			const work = takePassing(source, AbortSignal.any([signal, closed.signal]));
			const ended = work.catch(() => undefined).finally(() => running.delete(ended));
			running.add(ended);
			return work;
		},
		async complete(signal, onProgress) {
			const release = demand.addAll();
			const whole = Promise.withResolvers<void>();
			whole.promise.catch(() => undefined);
			const watch = (): void => {
				onProgress(count - filler.missing(), count);
				if (filler.missing() === 0) whole.resolve();
			};
			const stopFailing = filler.onFailure(whole.reject);
			watchers.add(watch);
			try {
				watch();
				pump();
				await untilHopeless(
					orAborted(whole.promise, signal, 'completing a content'),
					() => passing > 0 || attempts.any() || supply.opening(),
					noHope,
				);
				await filler.finish();
			} finally {
				watchers.delete(watch);
				stopFailing();
				release();
			}
		},
		async [Symbol.asyncDispose]() {
			closed.abort();
			clearTimeout(hedgeTimer);
			await supply[Symbol.asyncDispose]();
			await Promise.allSettled(running);
		},
	};
}
