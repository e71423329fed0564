/** Waiting for what others must give, as long as there is reason to. */
import { ImageError } from '#domain/errors.ts';

export interface NoHope {
	/** how long there may be no reason before it is given up */
	readonly afterMs: number;
	readonly message: string;
}

/** Settles as `promise` does, or rejects with `unavailable` once `hopeful` has been false for so long without a break. */
export async function untilHopeless<T>(promise: Promise<T>, hopeful: () => boolean, { afterMs, message }: NoHope): Promise<T> {
	const hopeless = Promise.withResolvers<never>();
	let since: number | undefined;
	const look = (): void => {
		const now = performance.now();
		since = hopeful() ? undefined : (since ?? now);
		if (since !== undefined && now - since >= afterMs) hopeless.reject(new ImageError('unavailable', message));
	};
	look();
	const timer = setInterval(look, Math.max(10, afterMs / 8));
	try {
		return await Promise.race([promise, hopeless.promise]);
	} finally {
		clearInterval(timer);
	}
}
