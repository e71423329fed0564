import type { Image } from '../image.ts';

/** Who holds an image. The hold is taken before its task exists, so that a task nobody knows may be one that is about to be. */
export interface TaskHolds {
	/** Has the task that holds this image ended, or is nothing known of it? Who holds an image by such a task holds it no more. */
	isOver(task: string, image: Pick<Image, 'worker' | 'updatedAt'>): boolean;
	/** Begins a task under a new id, which counts until `begin` has made the task or has failed. */
	take(begin: (task: string) => Promise<void>): Promise<void>;
}

export interface HoldParts {
	/** of a task of this node: has it ended, or is it not known? */
	isOver(task: string): boolean;
	/** peer id of this node */
	readonly node: string;
	/** UTC milliseconds */
	readonly clock: () => number;
}

/** A hold of another node of the site counts for so long after the record has last changed, as in Glance. */
const FOREIGN_HOLD_MS = 60 * 60_000;

export function taskHolds({ isOver, node, clock }: HoldParts): TaskHolds {
	const begun = new Set<string>();
	return {
		isOver(task, { worker, updatedAt }) {
			if (worker !== null && worker !== node) return clock() - updatedAt > FOREIGN_HOLD_MS;
			return !begun.has(task) && isOver(task);
		},
		async take(begin) {
			const task = crypto.randomUUID();
			begun.add(task);
			try {
				await begin(task);
			} finally {
				begun.delete(task);
			}
		},
	};
}
