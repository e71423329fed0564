/**
 * The versions of the stored layout. To change it: append a migration here, raise nothing else; its number is its
 * place. A migration is run once, in order, before anything is read. It gives its changes in batches, may be cut off
 * between any two of them, and is then run again from the start, so it must be able to meet its own work.
 */

import { FORMAT_KEY, fromBytes, toBytes } from '#catalogue/records.ts';
import { ImageError } from '#domain/errors.ts';
import type { KeyChange, KeyValue } from '#lib/key-value.ts';
import type { Log } from '#lib/log.ts';
import { imageMembers } from './image-members.ts';
import { projectUsage } from './project-usage.ts';

export interface Migration {
	/** what changes, for the log */
	readonly name: string;
	run(kv: KeyValue): AsyncIterable<readonly KeyChange[]>;
}

/** From format 1 to 2, from 2 to 3, … */
export const MIGRATIONS: readonly Migration[] = [imageMembers, projectUsage];

/**
 * Brings a store to the newest format; a new store begins there. `unavailable` for a store that a newer version of the
 * program wrote, `corrupt` when its format cannot be read.
 */
export async function migrate(kv: KeyValue, log: Log, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
	const newest = migrations.length + 1;
	const stored = kv.get(FORMAT_KEY);
	const format = stored === undefined ? newest : formatOf(stored);
	if (format > newest)
		throw new ImageError('unavailable', `the catalogue has format ${format}; this version knows formats up to ${newest}`);
	if (stored === undefined) await setFormat(kv, newest);
	for (const [index, migration] of migrations.entries()) {
		const next = index + 2;
		if (format >= next) continue;
		log.info({ format: next, migration: migration.name }, 'migrating the catalogue');
		for await (const changes of migration.run(kv)) await kv.write(changes, { sync: false });
		await setFormat(kv, next);
	}
}

function formatOf(stored: Uint8Array): number {
	const format = fromBytes<unknown>(stored);
	if (!Number.isSafeInteger(format) || (format as number) < 1)
		throw new ImageError('corrupt', 'the format of the catalogue cannot be read');
	return format as number;
}

/** Durable with all that was written before it: the engine's log is one sequence. */
async function setFormat(kv: KeyValue, format: number): Promise<void> {
	await kv.write([{ put: FORMAT_KEY, value: toBytes(format) }], { sync: true });
}
