/** Folders made, files moved and deleted: by the server's FileManager, whose work is a task that is waited for. */
import { setTimeout as pause } from 'node:timers/promises';
import { codeOf, ImageError } from '#domain/errors.ts';
import { datastorePath, type FilePlace } from './folder.ts';
import { retrieve } from './properties.ts';
import type { Session } from './session.ts';
import { faultError, faultName, neededRef, type Ref, refXml, textXml } from './soap.ts';
import { childOf } from './xml.ts';

/** A file whose datacenter is known to the server by this reference. */
export interface ManagedFile extends FilePlace {
	readonly datacenterRef: Ref;
}

export interface FileManager {
	/** With those above it; one that exists is no error. */
	makeDirectory(folder: ManagedFile, signal: AbortSignal): Promise<void>;
	/** Within a datastore; `conflict` when the new name is taken. */
	move(from: ManagedFile, to: ManagedFile, signal: AbortSignal): Promise<void>;
	/** `not-found` when it is not there */
	remove(file: ManagedFile, signal: AbortSignal): Promise<void>;
}

/** The first questions after a task come sooner than the interval: most have ended by then. */
const FIRST_POLL_MS = 50;

export function createFileManager(session: Session, pollIntervalMs: number): FileManager {
	const { fileManager } = session.services;

	async function run(method: string, parameters: string, signal: AbortSignal): Promise<void> {
		const answer = await session.call(method, fileManager, parameters, signal);
		const task = neededRef(childOf(answer, 'returnval'), 'task');
		for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(waitMs * 2, pollIntervalMs)) {
			const [row] = await retrieve(session, [task], ['info.state', 'info.error'], signal);
			const state = row?.get('info.state')?.text;
			if (state === 'success') return;
			if (state === 'error') {
				const fault = childOf(row?.get('info.error'), 'fault');
				throw faultError(fault === undefined ? undefined : faultName(fault));
			}
			if (state !== 'queued' && state !== 'running')
				throw new ImageError('store-failed', 'the server does not say how a task goes');
			await pause(waitMs, undefined, { signal });
		}
	}

	return {
		async makeDirectory(folder, signal) {
			const parameters =
				textXml('name', datastorePath(folder)) +
				refXml('datacenter', folder.datacenterRef) +
				textXml('createParentDirectories', 'true');
			await session.call('MakeDirectory', fileManager, parameters, signal).catch((error: unknown) => {
				if (codeOf(error) !== 'conflict') throw error;
			});
		},
		move: (from, to, signal) =>
			run(
				'MoveDatastoreFile_Task',
				textXml('sourceName', datastorePath(from)) +
					refXml('sourceDatacenter', from.datacenterRef) +
					textXml('destinationName', datastorePath(to)) +
					refXml('destinationDatacenter', to.datacenterRef) +
					textXml('force', 'false'),
				signal,
			),
		remove: (file, signal) =>
			run('DeleteDatastoreFile_Task', textXml('name', datastorePath(file)) + refXml('datacenter', file.datacenterRef), signal),
	};
}
