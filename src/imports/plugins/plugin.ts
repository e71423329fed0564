/**
 * The port of import plugins: what may happen to an image between "its bytes are staged" and "its bytes go to the
 * stores" (Interoperable image import, "Import plugins"). The operator chooses plugins and their order; the caller runs
 * them one after the other, each on what the one before it left, and never for `copy-image`.
 *
 * The caller's part: give the plugin what is staged, apply `changes` to the record, and, when there is `data`, write all
 * of it as new staged bytes, replace the old ones only after the last byte has come, and dispose of `data` whatever
 * happened, before the next plugin runs.
 */
import type { Log } from '#lib/log.ts';

export interface ImportPlugin {
	/**
	 * Resolves with what is to change; nothing staged is touched by it. Rejects with an `ImageError` that ends the
	 * import: `unsupported-type` when the bytes are not what was declared or are dangerous, `invalid` when they are
	 * broken, `too-large` when they unpack to too much, `full` when this node lacks room, `unavailable` when it lacks a
	 * tool, `timeout`; or with the signal's reason.
	 */
	run(subject: PluginSubject, ctx: PluginContext): Promise<PluginOutcome>;
}

export interface PluginContext {
	readonly signal: AbortSignal;
	readonly log: Log;
	/** One line for the client, as the task's message. */
	say(message: string): void;
}

export interface PluginSubject {
	/** as the record has it now, with what plugins before this one changed */
	readonly image: { readonly id: string; readonly diskFormat: string | null; readonly containerFormat: string | null };
	/** of the caller who asked for the import */
	readonly roles: readonly string[];
	readonly staged: StagedBytes;
}

/** Finished and immutable while the plugin runs and until its `data` is disposed of. */
export interface StagedBytes {
	/** bytes */
	readonly size: number;
	/** The whole, or the half-open range. Any number of times; ends with the reason when the context's signal fires. */
	read(range?: ByteRange): AsyncIterable<Uint8Array>;
	/** Path of a finished file on this host with exactly these bytes, when there is one. Only ever opened for reading. */
	readonly file?: string;
}

/** Half-open: `[start, end)`, within the size. */
export interface ByteRange {
	readonly start: number;
	readonly end: number;
}

/** Empty: everything stays as it is. */
export interface PluginOutcome {
	readonly changes?: ImageChanges;
	/** takes the place of what is staged */
	readonly data?: ReplacedBytes;
}

export interface ImageChanges {
	/** added to those that are there; the same names are replaced */
	readonly properties?: Readonly<Record<string, string>>;
	readonly diskFormat?: string;
	readonly containerFormat?: string;
	/** bytes */
	readonly virtualSize?: number;
}

/** Disposal ends what still makes it and removes what it took on this host. */
export interface ReplacedBytes extends AsyncDisposable {
	/** Once. May fail half-way, with the codes of `run`; then nothing of it counts. Held back by a slow reader. */
	read(): AsyncIterable<Uint8Array>;
	/** bytes, when they are known before */
	readonly size?: number;
}
