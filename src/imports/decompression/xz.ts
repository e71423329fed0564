/** xz, by the host's own tool in the jail: Node has no decoder of it. */
import { ImageError } from '#domain/errors.ts';
import type { Jail, JailEnd } from '#imports/jail.ts';
import { GiB, MiB } from '#lib/sizes.ts';
import { allowedOutput } from './bounded.ts';

/** What `xz` asks for up to level 8. */
const MEMORY_BYTES = 64 * MiB;
const CPU_SECONDS = { least: 60, perGiB: 30 };

export interface XzOptions {
	readonly jail: Jail;
	readonly maxBytes: number;
	readonly signal: AbortSignal;
}

export async function* unxz(
	{ size, read }: { readonly size: number; read(): AsyncIterable<Uint8Array> },
	{ jail, maxBytes, signal }: XzOptions,
): AsyncGenerator<Uint8Array> {
	const gib = Math.ceil(allowedOutput(size, maxBytes) / GiB);
	await using cell = await jail.cell();
	const end = yield* jail.stream(
		{
			cell,
			tool: 'xz',
			args: ['--decompress', '--stdout', '--format=xz', `--memlimit-decompress=${MEMORY_BYTES}`],
			input: read(),
			limits: { cpuSeconds: Math.max(CPU_SECONDS.least, CPU_SECONDS.perGiB * gib), fileBytes: 0 },
		},
		{ signal },
	);
	if (end.code !== 0) throw refusal(end);
}

function refusal({ exceeded, stderr }: JailEnd): ImageError {
	if (exceeded !== undefined) return new ImageError('invalid', 'it takes more than is allowed to decompress the image');
	const cause = new Error(stderr);
	if (/memory usage limit/i.test(stderr))
		return new ImageError('too-large', 'the compressed image needs more than 64 MiB of memory: xz levels up to 8 do not', {
			cause,
		});
	return new ImageError('invalid', 'the compressed image is damaged or cut short', { cause });
}
