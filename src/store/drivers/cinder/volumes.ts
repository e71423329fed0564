/** Volumes and their attachments: Block Storage API v3, by the calls that Glance makes. */
import { hostname, networkInterfaces } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { codeOf, type ErrorCode, ImageError } from '#domain/errors.ts';
import type { Session } from './session.ts';
import type { CinderSettings } from './settings.ts';

export interface Volume {
	readonly id: string;
	readonly status: string;
	/** GiB */
	readonly size: number;
	readonly metadata: Readonly<Record<string, unknown>>;
}

export interface Attachment {
	readonly id: string;
	readonly connection: Readonly<Record<string, unknown>>;
}

export interface Volumes {
	/** Its id, as soon as there is one. `unavailable` does not mean that none is made. */
	create(volume: NewVolume, signal: AbortSignal): Promise<string>;
	/** Resolves when a new volume can be used. */
	ready(id: string, signal: AbortSignal): Promise<void>;
	show(id: string, signal: AbortSignal): Promise<Volume>;
	/** Those that carry this word in their metadata. */
	marked(name: string, value: string, signal: AbortSignal): Promise<readonly Volume[]>;
	/**
	 * Waits for its turn while another has the volume; `AttachedElsewhere` when that does not come. `onReserved` is awaited as soon
	 * as there is something that would have to be detached. Nothing stays attached when it fails, as far as Cinder answers.
	 */
	attach(
		id: string,
		mode: 'ro' | 'rw',
		signal: AbortSignal,
		onReserved?: (attachment: string) => Promise<void>,
	): Promise<Attachment>;
	/** Of attachments that are for nobody's server: those that were begun only. */
	reserved(id: string, signal: AbortSignal): Promise<readonly string[]>;
	/** An attachment of whatever volume. */
	drop(attachment: string, signal: AbortSignal): Promise<void>;
	/** What is not there any more is detached. */
	detach(volume: string, attachment: string, signal: AbortSignal): Promise<void>;
	extend(id: string, gib: number, signal: AbortSignal): Promise<void>;
	setMetadata(id: string, metadata: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>;
	makeReadOnly(id: string, signal: AbortSignal): Promise<void>;
	/** Resolves when it is gone. `not-found`, `conflict` while it is in use. */
	remove(id: string, signal: AbortSignal): Promise<void>;
	/** Detached from everybody, and removed; one that is being made is waited for. No error when it is not there. */
	discard(id: string, signal: AbortSignal): Promise<void>;
	check(signal: AbortSignal): Promise<void>;
}

export class AttachedElsewhere extends ImageError {
	constructor(id: string) {
		super('unavailable', `volume ${id}: it is attached to somebody else`);
	}
}

export interface NewVolume {
	readonly name: string;
	/** GiB */
	readonly size: number;
	readonly metadata: Readonly<Record<string, string>>;
}

/** the first in which an attachment has a mode */
const ATTACHING = '3.54';
const FIRST_LOOK_MS = 500;
const RAREST_LOOK_MS = 15_000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 10_000;
const DETACH_TRIES = 5;
const BUSY: ReadonlySet<string> = new Set(['creating', 'extending', 'detaching']);

export function createVolumes({ ask }: Session, { transitionMs, volumeType, attachTries }: CinderSettings): Volumes {
	const show: Volumes['show'] = async (id, signal) => {
		const { body } = await ask('GET', `/volumes/${id}`, { signal, about: `volume ${id}` });
		return volumeOf((body as { readonly volume?: unknown } | undefined)?.volume);
	};

	/** Until it leaves the state; `otherwise` when what comes after is none of `good`. */
	async function leaves(
		id: string,
		state: string,
		good: readonly string[],
		signal: AbortSignal,
		otherwise: ErrorCode = 'store-failed',
	): Promise<void> {
		const deadline = performance.now() + transitionMs;
		for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 2, RAREST_LOOK_MS)) {
			const { status } = await show(id, signal);
			if (good.includes(status)) return;
			if (status !== state) throw new ImageError(otherwise, `volume ${id}: it became ${status}`);
			if (performance.now() > deadline) throw new ImageError('unavailable', `volume ${id}: it stays ${state}`);
			await pause(waitMs, undefined, { signal });
		}
	}
	/** Until nothing is being done to it by which it could not be removed. */
	async function rests(id: string, signal: AbortSignal): Promise<void> {
		for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 2, RAREST_LOOK_MS)) {
			if (!BUSY.has((await show(id, signal)).status)) return;
			await pause(waitMs, undefined, { signal });
		}
	}
	/** undefined: it is not there any more */
	async function statusOf(id: string, signal: AbortSignal): Promise<string | undefined> {
		try {
			return (await show(id, signal)).status;
		} catch (error) {
			if (codeOf(error) === 'not-found') return undefined;
			throw error;
		}
	}
	const act = (id: string, body: object, signal: AbortSignal) =>
		ask('POST', `/volumes/${id}/action`, { signal, body, about: `volume ${id}` });

	async function reserve(id: string, mode: string, signal: AbortSignal): Promise<string> {
		const body = { attachment: { volume_uuid: id, connector: null, mode } };
		for (let turn = 1, waitMs = FIRST_RETRY_MS; ; turn += 1, waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)) {
			const about = `volume ${id}`;
			const answer = await ask('POST', '/attachments', { signal, body, version: ATTACHING, expected: [400], about });
			if (answer.status !== 400) return idOf((answer.body as { readonly attachment?: unknown } | undefined)?.attachment);
			if (turn >= attachTries) throw new AttachedElsewhere(id);
			await pause(waitMs, undefined, { signal });
		}
	}

	const detach = async (about: string, attachment: string, signal: AbortSignal) => {
		for (let turn = 1, waitMs = FIRST_RETRY_MS; ; turn += 1, waitMs *= 2) {
			const how = { signal, version: ATTACHING, expected: [404, 500], about };
			const { status } = await ask('DELETE', `/attachments/${attachment}`, how);
			if (status !== 500) return;
			if (turn >= DETACH_TRIES) throw new ImageError('store-failed', `${about}: it cannot be detached`);
			await pause(waitMs, undefined, { signal });
		}
	};

	/** Of all, those that were begun only included. */
	async function attachments(
		id: string,
		signal: AbortSignal,
		wanted: (each: unknown) => boolean = () => true,
	): Promise<readonly string[]> {
		const how = { signal, version: ATTACHING, about: `volume ${id}` };
		const { body } = await ask('GET', `/attachments?volume_id=${id}`, how);
		const { attachments } = (body ?? {}) as { readonly attachments?: unknown };
		return Array.isArray(attachments) ? attachments.filter(wanted).map(idOf) : [];
	}

	const remove: Volumes['remove'] = async (id, signal) => {
		const about = `volume ${id}`;
		const { status, tries } = await ask('DELETE', `/volumes/${id}`, { signal, expected: [400, 404], about });
		if (status === 404 && tries === 1) throw new ImageError('not-found', `${about}: it is not there`);
		// one whose deletion is under way refuses another, and may be gone a moment later
		if (status === 400 && !['deleting', undefined].includes(await statusOf(id, signal))) throw inUse(id);
		for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 2, RAREST_LOOK_MS)) {
			const now = await statusOf(id, signal);
			if (now === undefined) return;
			// somebody has its image open, and Cinder could not remove it
			if (now === 'available') throw inUse(id);
			if (now !== 'deleting') throw new ImageError('store-failed', `volume ${id}: it became ${now}`);
			await pause(waitMs, undefined, { signal });
		}
	};

	return {
		async create({ name, size, metadata }, signal) {
			const volume = { name, size, metadata, ...(volumeType !== undefined && { volume_type: volumeType }) };
			const { body } = await ask('POST', '/volumes', { signal, body: { volume }, version: ATTACHING, about: 'a new volume' });
			return idOf((body as { readonly volume?: unknown } | undefined)?.volume);
		},
		ready: (id, signal) => leaves(id, 'creating', ['available'], signal),
		show,
		async marked(name, value, signal) {
			const query = new URLSearchParams({ metadata: JSON.stringify({ [name]: value }) });
			const { body } = await ask('GET', `/volumes/detail?${query}`, { signal });
			const { volumes } = (body ?? {}) as { readonly volumes?: unknown };
			// a server that does not know the filter shows everything
			return (Array.isArray(volumes) ? volumes.map(volumeOf) : []).filter(({ metadata }) => metadata[name] === value);
		},
		async attach(id, mode, signal, onReserved) {
			const attachment = await reserve(id, mode, signal);
			try {
				await onReserved?.(attachment);
				const how = { signal, version: ATTACHING, about: `volume ${id}` };
				const body = { attachment: { connector: connector() } };
				const answer = await ask('PUT', `/attachments/${attachment}`, { ...how, body });
				await ask('POST', `/attachments/${attachment}/action`, { ...how, body: { 'os-complete': null } });
				return { id: attachment, connection: connectionIn(answer.body) };
			} catch (error) {
				await detach(`volume ${id}`, attachment, AbortSignal.timeout(transitionMs)).catch(() => undefined);
				throw error;
			}
		},
		reserved: (id, signal) => attachments(id, signal, isReserved),
		drop: (attachment, signal) => detach(`attachment ${attachment}`, attachment, signal),
		async detach(volume, attachment, signal) {
			await detach(`volume ${volume}`, attachment, signal);
			await leaves(volume, 'detaching', ['available', 'in-use', 'reserved'], signal);
		},
		async extend(id, gib, signal) {
			await act(id, { 'os-extend': { new_size: gib } }, signal);
			await leaves(id, 'extending', ['available'], signal, 'full');
			if ((await show(id, signal)).size < gib) throw new ImageError('full', `volume ${id}: it cannot be made longer`);
		},
		async setMetadata(id, metadata, signal) {
			await ask('PUT', `/volumes/${id}/metadata`, { signal, body: { metadata }, about: `volume ${id}` });
		},
		async makeReadOnly(id, signal) {
			await act(id, { 'os-update_readonly_flag': { readonly: true } }, signal);
		},
		remove,
		async discard(id, signal) {
			try {
				await rests(id, signal);
				for (const attachment of await attachments(id, signal)) await detach(`volume ${id}`, attachment, signal);
				await rests(id, signal);
				await remove(id, signal);
			} catch (error) {
				if (codeOf(error) !== 'not-found') throw error;
			}
		},
		async check(signal) {
			await ask('GET', '/volumes?limit=1', { signal });
		},
	};
}

function isReserved(attachment: unknown): boolean {
	const { status, instance } = (attachment ?? {}) as { readonly status?: unknown; readonly instance?: unknown };
	return status === 'reserved' && instance == null;
}

function inUse(id: string): ImageError {
	return new ImageError('conflict', `volume ${id}: it is in use`);
}

function volumeOf(value: unknown): Volume {
	const { status, size, metadata } = (value ?? {}) as Readonly<Record<string, unknown>>;
	return {
		id: idOf(value),
		status: String(status),
		size: Number(size),
		metadata: (metadata ?? {}) as Volume['metadata'],
	};
}

export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function idOf(value: unknown): string {
	const id = (value as { readonly id?: unknown } | undefined)?.id;
	// it goes into paths
	if (typeof id !== 'string' || !UUID.test(id)) throw new ImageError('store-failed', 'cinder answers without an id');
	return id;
}

function connectionIn(body: unknown): Attachment['connection'] {
	const { attachment } = (body ?? {}) as { readonly attachment?: { readonly connection_info?: unknown } };
	const info = attachment?.connection_info;
	if (typeof info !== 'object' || info === null) throw new ImageError('store-failed', 'cinder does not say how to connect');
	return info as Attachment['connection'];
}

/** What os-brick would say of this host. */
function connector(): object {
	const own = Object.values(networkInterfaces()).flat();
	const ip = own.find((each) => each?.family === 'IPv4' && !each.internal)?.address ?? '127.0.0.1';
	const host = hostname();
	return {
		platform: process.arch,
		os_type: process.platform,
		ip,
		host,
		multipath: false,
		initiator: `iqn.2005-03.org.open-iscsi:${host}`,
		do_local_attach: false,
		mountpoint: 'glance_store',
	};
}
