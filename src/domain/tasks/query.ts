/** A list of tasks, and how it is cut to a page. Image API v2, "List tasks". */
import { ImageError } from '../errors.ts';
import type { Viewer } from '../query.ts';
import type { TaskStub } from './record.ts';

export const TASK_SORT_KEYS = [
	'id',
	'type',
	'status',
	'owner',
	'imageId',
	'requestId',
	'userId',
	'expiresAt',
	'createdAt',
	'updatedAt',
] as const satisfies readonly (keyof TaskStub)[];
export type TaskSortKey = (typeof TASK_SORT_KEYS)[number];

export interface TaskQuery {
	/** every one of them must be equal */
	readonly equal: Partial<Readonly<Record<'id' | 'type' | 'status' | 'owner' | 'imageId' | 'requestId' | 'userId', string>>>;
	readonly sortKey: TaskSortKey;
	readonly descending: boolean;
	/** at least 0 */
	readonly limit: number;
	/** id of the last task of the page before; unknown or invisible: `invalid` */
	readonly marker?: string;
	/** whose eyes: set by the authorisation layer, never by a door */
	readonly viewer?: Viewer;
}

export interface TaskPage {
	readonly tasks: readonly TaskStub[];
	/** the page was full: there may be more after its last task */
	readonly full: boolean;
}

/** Administrators see every task, others those of their project; a task without owner is everybody's. */
export function seesTask({ admin, project }: Viewer, { owner }: Pick<TaskStub, 'owner'>): boolean {
	return admin || owner === null || owner === project;
}

export function pageOf(all: Iterable<TaskStub>, query: TaskQuery): TaskPage {
	const { viewer = NOBODY, marker, limit } = query;
	const wanted = Object.entries(query.equal);
	const visible = [...all].filter((task) => seesTask(viewer, task)).sort(order(query));
	const first = marker === undefined ? 0 : after(visible, marker);
	const matching = visible.slice(first).filter((task) => wanted.every(([key, value]) => task[key as keyof TaskStub] === value));
	const tasks = matching.slice(0, limit);
	return { tasks, full: limit > 0 && tasks.length === limit };
}

const NOBODY: Viewer = { project: null, admin: false };

/** The marker need not pass the filters itself. */
function after(tasks: readonly TaskStub[], marker: string): number {
	const at = tasks.findIndex(({ id }) => id === marker);
	if (at < 0) throw new ImageError('invalid', `no task found with id ${marker}`);
	return at + 1;
}

/** Made total by creation and id, all in one direction; what is not there comes before all else, as SQL has it here. */
function order({ sortKey, descending }: TaskQuery): (a: TaskStub, b: TaskStub) => number {
	const keys = [...new Set<TaskSortKey>([sortKey, 'createdAt', 'id'])];
	const sign = descending ? -1 : 1;
	return (a, b) => {
		for (const key of keys) {
			const difference = compared(a[key], b[key]);
			if (difference !== 0) return sign * difference;
		}
		return 0;
	};
}

function compared(a: string | number | null, b: string | number | null): number {
	if (a === b) return 0;
	if (a === null || b === null) return a === null ? -1 : 1;
	return a < b ? -1 : 1;
}
