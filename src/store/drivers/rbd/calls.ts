/**
 * How a cluster is called without the node ever waiting for it. I/O is started on the loop and its completions are looked at
 * every millisecond while there are any: no thread is held, and no foreign thread calls into JavaScript. What librbd offers
 * only as a call that waits takes a thread of the pool; of the pool's four never more than three, of one cluster two, and
 * removals, which may last minutes, one. So a cluster that does not answer keeps neither files nor other clusters waiting.
 */
import { constants } from 'node:os';
import { type ErrorCode, ImageError } from '#domain/errors.ts';
import { type Native, type Pointer, place } from './native.ts';

export interface Calls {
	readonly native: Native;
	/** Starts an operation with a completion; resolves to its return value, 0 or more. Until then `memory` is the operation's. */
	io(what: string, memory: Uint8Array | undefined, start: (completion: Pointer) => number, codes?: Codes): Promise<number>;
	/** A call that waits. Skipped when the signal has fired before its turn comes. */
	wait(
		what: string,
		call: () => Promise<number>,
		how?: { readonly codes?: Codes; readonly signal?: AbortSignal },
	): Promise<number>;
	/** As `wait`, for what may take minutes. */
	waitLong(what: string, call: () => Promise<number>, codes?: Codes): Promise<number>;
	/** The cluster has shut this client out: a new connection is needed. */
	shutOut(): boolean;
}

/** What an errno means in a particular place. */
export type Codes = Readonly<Record<string, ErrorCode>>;

const PROCESS_THREADS = 3;
const CLUSTER_THREADS = 2;
const processSlots = slots(PROCESS_THREADS);

export function clusterCalls(native: Native): Calls {
	const clusterSlots = slots(CLUSTER_THREADS);
	const longSlots = slots(1);
	let out = false;

	function checked(result: number, what: string, codes: Codes = {}): number {
		if (result >= 0) return result;
		const name = ERRNO.get(-result) ?? `error ${-result}`;
		if (name === 'ESHUTDOWN') out = true;
		throw new RbdError(codes[name] ?? CODES[name] ?? 'store-failed', what, name);
	}

	const wait: Calls['wait'] = (what, call, { codes, signal } = {}) =>
		clusterSlots(() =>
			processSlots(async () => {
				signal?.throwIfAborted();
				return checked(await call(), what, codes);
			}),
		);
	return {
		native,
		io: async (what, memory, start, codes) => checked(await complete(native, start, memory), what, codes),
		wait,
		waitLong: (what, call, codes) => longSlots(() => wait(what, call, codes === undefined ? {} : { codes })),
		shutOut: () => out,
	};
}

export class RbdError extends ImageError {
	/** ENOENT, … */
	readonly errno: string;

	constructor(code: ErrorCode, what: string, errno: string) {
		super(code, `${what}: ${errno}`);
		this.errno = errno;
	}
}

/** Linux's, which Node's table lacks: the answer to a client on the cluster's block list. */
const ESHUTDOWN = 108;
const ERRNO = new Map([
	...Object.entries(constants.errno).map(([name, number]) => [number, name] as const),
	[ESHUTDOWN, 'ESHUTDOWN'],
]);

const CODES: Codes = {
	ENOENT: 'not-found',
	EEXIST: 'conflict',
	EBUSY: 'conflict',
	ENOSPC: 'full',
	EDQUOT: 'full',
	EPERM: 'forbidden',
	EACCES: 'forbidden',
	EROFS: 'write-denied',
	ETIMEDOUT: 'unavailable',
	ESHUTDOWN: 'unavailable',
	ENOTCONN: 'unavailable',
	EAGAIN: 'unavailable',
};

/** Where something is written. */
export const WRITING: Codes = { EPERM: 'write-denied', EACCES: 'write-denied' };

interface Waiting {
	readonly completion: Pointer;
	/** kept from being collected while librbd reads or writes it */
	readonly memory: Uint8Array | undefined;
	readonly resolve: (result: number) => void;
}

const FIRST_LOOK_MS = 1;
const RAREST_LOOK_MS = 16;
const waiting = new Set<Waiting>();
let looking = false;
let pauseMs = FIRST_LOOK_MS;

function complete(native: Native, start: (completion: Pointer) => number, memory: Uint8Array | undefined): Promise<number> {
	const completion = createCompletion(native);
	const started = start(completion);
	if (started < 0) {
		native.quick.rbd_aio_release(completion);
		return Promise.resolve(started);
	}
	return new Promise((resolve) => {
		waiting.add({ completion, memory, resolve });
		pauseMs = FIRST_LOOK_MS;
		lookLater(native);
	});
}

function lookLater(native: Native): void {
	if (looking || waiting.size === 0) return;
	looking = true;
	setTimeout(look, pauseMs, native);
}

function look(native: Native): void {
	looking = false;
	let any = false;
	for (const each of waiting) {
		if (native.quick.rbd_aio_is_complete(each.completion) === 0) continue;
		any = true;
		waiting.delete(each);
		const result = Number(native.quick.rbd_aio_get_return_value(each.completion));
		native.quick.rbd_aio_release(each.completion);
		each.resolve(result);
	}
	pauseMs = any ? FIRST_LOOK_MS : Math.min(pauseMs * 1.25, RAREST_LOOK_MS);
	lookLater(native);
}

function createCompletion(native: Native): Pointer {
	const made = place();
	if (native.quick.rbd_aio_create_completion(null, null, made) < 0)
		throw new ImageError('store-failed', 'librbd gives no completion');
	return made.readBigUInt64LE();
}

type Slots = <T>(work: () => Promise<T>) => Promise<T>;

/** So many at a time, the others in the order of asking. */
function slots(max: number): Slots {
	const queue: (() => void)[] = [];
	let free = max;
	return async (work) => {
		if (free > 0) free -= 1;
		else await new Promise<void>((turn) => queue.push(turn));
		try {
			return await work();
		} finally {
			const next = queue.shift();
			if (next) next();
			else free += 1;
		}
	};
}
