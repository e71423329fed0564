import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryDir extends AsyncDisposable {
	readonly path: string;
}

/** An empty directory of its own, removed with everything in it on disposal. */
export async function temporaryDir(base: string = tmpdir()): Promise<TemporaryDir> {
	const path = await mkdtemp(join(base, 'sundog-test-'));
	return {
		path,
		async [Symbol.asyncDispose]() {
			await rm(path, { recursive: true, force: true, maxRetries: 3 });
		},
	};
}
