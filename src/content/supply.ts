/**
 * The sources of one content that are being talked to. Keeps a few conversations open, best sources first; puts a
 * source that failed aside for a growing while, and one that lied for good.
 */
import type { ContentRef } from '#domain/image.ts';
import type { ContentLimits } from './limits.ts';
import type { BlockSession, BlockSource, BlockSources } from './ports.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

export interface Lane {
	readonly source: BlockSource;
	readonly session: BlockSession;
	/** fetches under way */
	active: number;
	/** blocks this source said it lacks */
	readonly lacks: Set<number>;
	/** smoothed time of a block, milliseconds; undefined before the first */
	paceMs: number | undefined;
	open: boolean;
}

export interface Supply extends AsyncDisposable {
	lanes(): readonly Lane[];
	/** Is a conversation being opened? */
	opening(): boolean;
	/** Opens conversations up to the limit; `onChange` tells when there is a new lane, or one may be tried again. */
	refresh(): void;
	/** A block came: the source's failures are forgotten. */
	trust(lane: Lane): void;
	/** Ends the conversation. `ban`: never again for this content in this session. */
	drop(lane: Lane, how: 'pause' | 'ban'): void;
}

interface Penalty {
	readonly failures: number;
	/** monotonic milliseconds */
	readonly until: number;
}

export function createSupply(content: ContentRef, sources: BlockSources, limits: ContentLimits, onChange: () => void): Supply {
	const lanes: Lane[] = [];
	const opening = new Set<string>();
	const penalties = new Map<string, Penalty>();
	const banned = new Set<string>();
	const closed = new AbortController();
	let retry: NodeJS.Timeout | undefined;

	const penalize = (name: string): void => {
		const failures = (penalties.get(name)?.failures ?? 0) + 1;
		const pause = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
		penalties.set(name, { failures, until: performance.now() + pause });
		clearTimeout(retry);
		retry = setTimeout(onChange, pause).unref();
	};

	const isFree = ({ name }: BlockSource): boolean =>
		!banned.has(name) &&
		!opening.has(name) &&
		!lanes.some((lane) => lane.source.name === name) &&
		(penalties.get(name)?.until ?? 0) <= performance.now();

	const openLane = async (source: BlockSource): Promise<void> => {
		const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(limits.blockTimeoutMs)]);
		opening.add(source.name);
		try {
			const session = await source.open(content, { signal });
			if (closed.signal.aborted) return void (await session[Symbol.asyncDispose]());
			lanes.push({ source, session, active: 0, lacks: new Set(), paceMs: undefined, open: true });
		} catch {
			penalize(source.name);
		} finally {
			opening.delete(source.name);
			if (!closed.signal.aborted) onChange();
		}
	};

	const stopFollowing = sources.onChange(() => {
		for (const lane of lanes) lane.lacks.clear();
		penalties.clear();
		onChange();
	});

	const close = async (lane: Lane): Promise<void> => {
		lane.open = false;
		const at = lanes.indexOf(lane);
		if (at !== -1) lanes.splice(at, 1);
		await Promise.resolve(lane.session[Symbol.asyncDispose]()).catch(() => undefined);
	};

	return {
		lanes: () => lanes,
		opening: () => opening.size > 0,
		refresh() {
			if (closed.signal.aborted || lanes.length + opening.size >= limits.maxSources) return;
			const free = sources.find(content).filter(isFree);
			for (const source of free.slice(0, limits.maxSources - lanes.length - opening.size)) void openLane(source);
		},
		trust(lane) {
			penalties.delete(lane.source.name);
		},
		drop(lane, how) {
			if (!lane.open) return;
			if (how === 'ban') banned.add(lane.source.name);
			else penalize(lane.source.name);
			void close(lane);
		},
		async [Symbol.asyncDispose]() {
			closed.abort();
			clearTimeout(retry);
			stopFollowing();
			await Promise.all([...lanes].map(close));
		},
	};
}
