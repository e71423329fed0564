import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { sampleContent } from '../test/support/sample-content.ts';

/** A file of incompressible bytes, in the page cache when this returns. */
export async function payloadFile(dir: string, name: string, size: number): Promise<string> {
	const path = join(dir, name);
	await pipeline(
		Readable.from(sampleContent(name, size).pieces(), { objectMode: false }),
		createWriteStream(path, { highWaterMark: 2 ** 22 }),
	);
	return path;
}
