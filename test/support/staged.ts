/** Staged bytes for import plugins, from memory or from a file, and a context that keeps what was said. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { PluginContext, PluginOutcome, PluginSubject, StagedBytes } from '#imports/plugins/plugin.ts';
import { silentLog } from '#lib/log.ts';

export function stagedBytes(bytes: Uint8Array, pieceBytes = 65_536): StagedBytes {
	return {
		size: bytes.length,
		async *read({ start, end } = { start: 0, end: bytes.length }) {
			for (let at = start; at < end; at += pieceBytes) yield bytes.subarray(at, Math.min(end, at + pieceBytes));
		},
	};
}

export async function stagedFile(file: string): Promise<StagedBytes> {
	const { size } = await stat(file);
	return {
		size,
		file,
		read: ({ start, end } = { start: 0, end: size }) => createReadStream(file, { start, end: end - 1 }),
	};
}

export function subjectOf(
	staged: StagedBytes,
	image: Partial<PluginSubject['image']> = {},
	roles: readonly string[] = ['member'],
): PluginSubject {
	return { image: { id: 'i1', diskFormat: 'raw', containerFormat: 'bare', ...image }, roles, staged };
}

export function pluginContext(signal = new AbortController().signal): PluginContext & { readonly said: readonly string[] } {
	const said: string[] = [];
	return { signal, log: silentLog, said, say: (message) => void said.push(message) };
}

/** All of an outcome's data, disposed of; undefined when there is none. */
export async function replacement({ data }: PluginOutcome): Promise<Buffer | undefined> {
	if (data === undefined) return undefined;
	await using made = data;
	const pieces: Uint8Array[] = [];
	for await (const piece of made.read()) pieces.push(piece);
	return Buffer.concat(pieces);
}
