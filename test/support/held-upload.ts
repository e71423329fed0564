import { uploadOf } from './onion.ts';

/** An upload whose stream gives its bytes and then waits for `release`, or for how it shall fail, before it ends. */
export function heldUpload(bytes: Uint8Array) {
	const started = Promise.withResolvers<void>();
	const release = Promise.withResolvers<void>();
	async function* data(): AsyncGenerator<Uint8Array> {
		yield bytes;
		started.resolve();
		await release.promise;
	}
	return { upload: uploadOf(bytes, { data: data() }), started: started.promise, release: release.resolve, fail: release.reject };
}
