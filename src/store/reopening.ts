/** Opens a driver when its backend answers: one that is down at start is reported, skipped, and comes back by itself. */
import { ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import { singleFlight } from '#lib/single-flight.ts';
import type { StoreDriver } from './driver.ts';

export interface Reopening extends AsyncDisposable {
	/** The open driver. While the backend is down: `unavailable`, with the reason of the last try. */
	driver(signal: AbortSignal): Promise<StoreDriver>;
	/** why there is none; undefined when there is one */
	fault(): string | undefined;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Resolves after the first try, whatever came of it. */
export async function openAgainAndAgain(
	open: (signal: AbortSignal) => Promise<StoreDriver>,
	{ store, log }: { readonly store: string; readonly log: Log },
): Promise<Reopening> {
	const closed = new AbortController();
	const flights = singleFlight<StoreDriver>();
	let opened: StoreDriver | undefined;
	let fault: string | undefined;
	let timer: NodeJS.Timeout | undefined;
	let pauseMs = FIRST_PAUSE_MS;

	async function attempt(): Promise<StoreDriver> {
		clearTimeout(timer);
		try {
			const driver = await open(closed.signal);
			if (closed.signal.aborted) {
				await driver[Symbol.asyncDispose]();
				throw new ImageError('unavailable', 'the node is stopping');
			}
			if (fault !== undefined) log.info({ store }, 'a store is back');
			opened = driver;
			fault = undefined;
			return driver;
		} catch (error) {
			const why = error instanceof ImageError ? error.message : 'it cannot be opened';
			if (why !== fault) log.warn({ err: error, store }, 'a store is not there; it is tried again');
			fault = why;
			if (!closed.signal.aborted) timer = setTimeout(() => void driver(closed.signal).catch(() => undefined), pauseMs).unref();
			pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
			throw new ImageError('unavailable', why, { cause: error });
		}
	}

	async function driver(signal: AbortSignal): Promise<StoreDriver> {
		return opened ?? (await flights('open', signal, attempt));
	}

	await driver(closed.signal).catch(() => undefined);
	return {
		driver,
		fault: () => fault,
		async [Symbol.asyncDispose]() {
			closed.abort(new ImageError('unavailable', 'the node is stopping'));
			clearTimeout(timer);
			await opened?.[Symbol.asyncDispose]();
		},
	};
}
