/** Who wants which blocks of one content next. Readers' windows come first, turn by turn; then whatever is missing. */

export interface Demand {
	/** A reader of blocks [first, end), who needs `first` now. */
	addReader(first: number, end: number): ReaderDemand;
	/** Somebody wants all of it, until the result is called. */
	addAll(): () => void;
	/** Is there anybody? */
	wanted(): boolean;
	/** The next block to fetch that `avoid` does not hold back; undefined when none. */
	next(avoid: (index: number) => boolean): number | undefined;
	/** A block that had been given out is wanted again. */
	reopen(index: number): void;
}

export interface ReaderDemand extends Disposable {
	/** the block the reader needs now */
	position: number;
}

interface DemandOptions {
	readonly count: number;
	readonly windowBlocks: number;
	/** neither present nor under way */
	readonly isOpen: (index: number) => boolean;
}

export function createDemand({ count, windowBlocks, isOpen }: DemandOptions): Demand {
	const readers: { position: number; readonly end: number }[] = [];
	let everything = 0;
	/** all before it are present or under way */
	let cursor = 0;

	const nextOfReaders = (avoid: (index: number) => boolean): number | undefined => {
		for (const [at, reader] of readers.entries()) {
			const end = Math.min(reader.end, reader.position + windowBlocks);
			for (let index = reader.position; index < end; index++) {
				if (!isOpen(index) || avoid(index)) continue;
				// The next reader's turn comes first next time.
				readers.push(...readers.splice(0, at + 1));
				return index;
			}
		}
		return undefined;
	};

	const nextOfAll = (avoid: (index: number) => boolean): number | undefined => {
		while (cursor < count && !isOpen(cursor)) cursor++;
		for (let index = cursor; index < count; index++) if (isOpen(index) && !avoid(index)) return index;
		return undefined;
	};

	return {
		addReader(first, end) {
			const reader = { position: first, end };
			readers.push(reader);
			return {
				get position() {
					return reader.position;
				},
				set position(index) {
					reader.position = index;
				},
				[Symbol.dispose]() {
					const at = readers.indexOf(reader);
					if (at !== -1) readers.splice(at, 1);
				},
			};
		},
		addAll() {
			everything++;
			let open = true;
			return () => {
				if (open) everything--;
				open = false;
			};
		},
		wanted: () => everything > 0 || readers.length > 0,
		next: (avoid) => nextOfReaders(avoid) ?? (everything > 0 ? nextOfAll(avoid) : undefined),
		reopen(index) {
			cursor = Math.min(cursor, index);
		},
	};
}
