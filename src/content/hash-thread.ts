/** One hash thread as its owner sees it: requests in, answers in the same order, one clear error when it dies. */
import { Worker } from 'node:worker_threads';
import { ImageError } from '#domain/errors.ts';
import type { HashAnswer, HashMemory, HashRequest } from './hash-worker.ts';

/** MiB; the thread holds hash states and small messages only */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4, stackSizeMb: 1 };

export interface HashThread {
	/** relative work given to this thread by open jobs */
	load: number;
	/** set once the thread has ended; nothing may be sent any more */
	readonly failure: ImageError | undefined;
	send(request: HashRequest): void;
	/** Sends and resolves with the next answer that no earlier request awaits. */
	ask(request: HashRequest): Promise<HashAnswer>;
	/** One more answer of the request asked last. */
	more(): Promise<HashAnswer>;
	end(): Promise<void>;
}

interface Awaited {
	readonly resolve: (answer: HashAnswer) => void;
	readonly reject: (error: ImageError) => void;
}

export function startHashThread(memory: HashMemory): HashThread {
	const worker = new Worker(new URL('./hash-worker.ts', import.meta.url), {
		workerData: memory,
		resourceLimits: RESOURCE_LIMITS,
		execArgv: [],
		name: 'hash',
	});
	// An idle thread keeps no process alive; one that owes an answer does.
	worker.unref();
	let awaited: Awaited[] = [];
	let answered = 0;
	let failure: ImageError | undefined;

	const fail = (cause: unknown): void => {
		failure ??= new ImageError('unavailable', 'a hash thread stopped; try again', { cause });
		const lost = awaited.slice(answered);
		awaited = [];
		answered = 0;
		for (const { reject } of lost) reject(failure);
	};

	worker.on('message', (answer: HashAnswer) => {
		awaited[answered++]?.resolve(answer);
		if (answered === awaited.length) {
			awaited = [];
			answered = 0;
			worker.unref();
		}
	});
	worker.on('error', fail);
	worker.on('messageerror', fail);
	worker.on('exit', (code) => fail(new Error(`exit code ${code}`)));

	const more = (): Promise<HashAnswer> => {
		if (failure !== undefined) return Promise.reject(failure);
		if (awaited.length === 0) worker.ref();
		return new Promise((resolve, reject) => awaited.push({ resolve, reject }));
	};

	return {
		load: 0,
		get failure() {
			return failure;
		},
		send(request) {
			if (failure === undefined) worker.postMessage(request);
		},
		ask(request) {
			const answer = more();
			if (failure === undefined) worker.postMessage(request);
			return answer;
		},
		more,
		async end() {
			await worker.terminate();
		},
	};
}
