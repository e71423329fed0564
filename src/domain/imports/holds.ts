/** Who holds an image. The hold is taken before its task exists, so that a task nobody knows may be one that is about to be. */
export interface TaskHolds {
	/** Has a task ended, or is it not known? Who holds an image by such a task holds it no more. */
	isOver(task: string): boolean;
	/** Begins a task under a new id, which counts until `begin` has made the task or has failed. */
	take(begin: (task: string) => Promise<void>): Promise<void>;
}

/** `isOver`: of tasks that are there, or were. */
export function taskHolds(isOver: (task: string) => boolean): TaskHolds {
	const begun = new Set<string>();
	return {
		isOver: (task) => !begun.has(task) && isOver(task),
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
