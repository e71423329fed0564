/**
 * The asker's half of blocks/1: opens a conversation about one content and keeps requests outstanding in it. Bytes go
 * from the stream's pieces straight into the caller's buffers; nothing is queued here, so memory is what the caller gave.
 */
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface';
import { Uint8ArrayList } from 'uint8arraylist';
import type { BlockDigests, BlockSession } from '#content/ports.ts';
import { ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import { failureOf } from '#exchange/failures.ts';
import { openFrames } from '#exchange/frames.ts';
import type { Limits } from '#exchange/limits.ts';
import { errorFrom } from '#exchange/refusals.ts';
import { type AnswerReader, createAnswerReader } from './answers.ts';
import type { Ask } from './ask.ts';
import { BLOCKS_PROTOCOL, DIGEST_BYTES, DIGESTS_PER_PAGE, MAX_OPEN_FRAME_BYTES } from './constants.ts';
import { blockCount, blockLength, decodeOpenAnswer, encodeOpen, encodeRequest, type Request } from './messages.ts';

export interface ConversationOptions {
	readonly limits: Pick<Limits, 'openTimeoutMs' | 'blockSilenceMs' | 'blockDepth'>;
	readonly signal: AbortSignal;
	/** Told once when the conversation fails of itself, for the peer's account. */
	readonly onFailure: (failure: ImageError) => void;
}

export interface Conversation extends BlockSession {
	/** It has neither failed nor been closed. */
	readonly alive: boolean;
	/** Resolves when the peer has closed its side too, or the stream is lost: the peer counts it no more. */
	readonly gone: Promise<void>;
	/** All digests, page by page. `not-found` when the peer has blocks but no manifest. */
	digests(options: { readonly signal: AbortSignal }): Promise<BlockDigests>;
}

/** `not-found`, `forbidden` when the peer refuses; `corrupt` when it speaks of another size than the content has. */
export async function openConversation(
	connection: Connection,
	content: ContentRef,
	options: ConversationOptions,
): Promise<Conversation> {
	const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.limits.openTimeoutMs)]);
	let stream: Stream | undefined;
	try {
		stream = await connection.newStream([BLOCKS_PROTOCOL], { signal });
		const channel = openFrames(stream, { maxFrameBytes: MAX_OPEN_FRAME_BYTES });
		await channel.write(encodeOpen(content.root), { signal });
		const frame = await channel.read({ signal });
		if (frame === undefined) throw new ImageError('unavailable', 'the peer ended the conversation without an answer');
		const answer = decodeOpenAnswer(frame);
		if (answer.type === 'refused') throw errorFrom(answer.refusal, 'the peer refused the content');
		if (answer.size !== content.size || answer.blockSize !== content.blockSize)
			throw new ImageError('corrupt', `a peer says that content ${content.root} has ${answer.size} bytes, not ${content.size}`);
		return converse(stream, channel.detach(), content, options);
	} catch (error) {
		const failure = failureOf(error, 'opening a conversation about blocks');
		stream?.abort(failure);
		throw failure;
	}
}

function converse(stream: Stream, early: Uint8ArrayList, content: ContentRef, options: ConversationOptions): Conversation {
	const { limits, onFailure } = options;
	const waiting: Ask[] = [];
	const unsent = new Uint8ArrayList();
	let over: ImageError | undefined;
	let silence: NodeJS.Timeout | undefined;
	let heardAt = 0;
	const gone = Promise.withResolvers<void>();

	const answers: AnswerReader = createAnswerReader({
		onSettled: admit,
		onViolation: (violation) => fail(violation),
	});

	function fail(failure: ImageError): void {
		if (over !== undefined) return;
		end(failure);
		reset(failure);
		onFailure(failure);
	}

	/** After this nobody writes into anybody's buffer, and every fetch has been told. */
	function end(reason: ImageError): void {
		over = reason;
		clearTimeout(silence);
		answers.end(reason);
		for (const ask of waiting.splice(0)) ask.reject(reason);
		stream.removeEventListener('message', onMessage);
	}

	function reset(reason: ImageError): void {
		if (stream.status === 'open') stream.abort(reason);
		gone.resolve();
	}

	/** Lets the peer close its side in turn, in reasonable time. */
	async function close(reason: ImageError): Promise<void> {
		const late = setTimeout(() => reset(reason), limits.openTimeoutMs).unref();
		void gone.promise.then(() => clearTimeout(late));
		await stream.close({ signal: AbortSignal.timeout(limits.openTimeoutMs) }).catch(() => {});
	}

	function onMessage({ data }: StreamMessageEvent): void {
		heardAt = performance.now();
		answers.take(data);
	}

	stream.addEventListener('message', onMessage);
	stream.addEventListener('end', () => fail(new ImageError('unavailable', 'the peer ended the conversation')));
	stream.addEventListener('close', ({ error }) => {
		gone.resolve();
		fail(failureOf(error, 'the conversation'));
	});
	answers.take(early);

	/** Moves asks from the line to the wire while there is room, and sends them in one write. */
	function admit(): void {
		while (over === undefined && answers.outstanding < limits.blockDepth) {
			const ask = waiting.shift();
			if (ask === undefined) return;
			answers.expect(ask);
			if (unsent.byteLength === 0) queueMicrotask(flush);
			unsent.append(encodeRequest(ask.request));
			listen();
		}
	}

	function flush(): void {
		if (over !== undefined) return;
		try {
			stream.send(unsent.sublist());
			unsent.consume(unsent.byteLength);
		} catch (error) {
			fail(failureOf(error, 'asking for blocks'));
		}
	}

	/** Runs only while something is outstanding. */
	function listen(): void {
		if (silence !== undefined) return;
		heardAt = performance.now();
		const check = (): void => {
			silence = undefined;
			if (over !== undefined || answers.outstanding === 0) return;
			const left = limits.blockSilenceMs - (performance.now() - heardAt);
			if (left > 0) silence = setTimeout(check, left);
			else fail(new ImageError('timeout', `a peer sent nothing for ${limits.blockSilenceMs} ms`));
		};
		silence = setTimeout(check, limits.blockSilenceMs);
	}

	async function ask(request: Request, into: Uint8Array, signal: AbortSignal): Promise<void> {
		if (over !== undefined) throw over;
		signal.throwIfAborted();
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const one: Ask = { request, length: into.byteLength, into, resolve, reject };
		const abort = (): void => {
			const place = waiting.indexOf(one);
			if (place >= 0) waiting.splice(place, 1);
			one.into = undefined;
			reject(new ImageError('aborted', 'the fetch was aborted', { cause: signal.reason }));
		};
		signal.addEventListener('abort', abort, { once: true });
		waiting.push(one);
		admit();
		try {
			await promise;
		} finally {
			signal.removeEventListener('abort', abort);
		}
	}

	return {
		get alive() {
			return over === undefined;
		},
		gone: gone.promise,
		depth: limits.blockDepth,
		async fetch(index, into, { signal }) {
			if (into.byteLength !== blockLength(content, index)) throw new TypeError('the buffer is not as long as the block');
			await ask({ kind: 'block', index }, into, signal);
		},
		async digests({ signal }) {
			const count = blockCount(content);
			const digests = new Uint8Array(count * DIGEST_BYTES);
			for (let index = 0; index < count; index += DIGESTS_PER_PAGE) {
				const page = digests.subarray(index * DIGEST_BYTES, Math.min(count, index + DIGESTS_PER_PAGE) * DIGEST_BYTES);
				await ask({ kind: 'manifest', index }, page, signal);
			}
			return digests;
		},
		async [Symbol.asyncDispose]() {
			if (over !== undefined) return;
			const owed = answers.outstanding > 0;
			const reason = new ImageError('aborted', 'the session was closed');
			end(reason);
			if (owed) reset(reason);
			else await close(reason);
		},
	};
}
