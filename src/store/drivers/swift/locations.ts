/**
 * Locations as Glance writes them. A location is data from a record, not an address to trust: it is compared with what
 * is configured, and the network hears only the configured addresses.
 *
 *     swift+config://ref1/container/object
 *     swift+https://project:user:key@keystone.example/v3/container/object      an address to log in at
 *     swift+https://swift.example/v1/AUTH_1f2e/container/object                an address of an account
 */
import { ImageError } from '#domain/errors.ts';
import type { Admission } from './admission.ts';
import type { Session } from './session.ts';

/** Where an object is. */
export interface Place {
	readonly session: Session;
	/** id, when it is in another project's account than the session's own */
	readonly project?: string;
	readonly container: string;
	readonly object: string;
}

interface Parsed {
	readonly scheme: string;
	readonly host: string;
	/** of a login, before the first colon */
	readonly project?: string;
	/** between host and container, with a slash in front of each part */
	readonly prefix: string;
	readonly container: string;
	readonly object: string;
}

const MAX_LOCATION = 2048;
const FORM = /^(swift(?:\+https?|\+config)?):\/\/(?:([^/]*)@)?([^/@]+)((?:\/[^/]+)*)\/([^/]+)\/([^/]+)$/;

export function configLocation(reference: string, container: string, object: string): string {
	return `swift+config://${reference}/${container}/${object}`;
}

export function storageLocation(accountUrl: string, container: string, object: string): string {
	return `swift+${accountUrl}/${container}/${object}`;
}

/** Of the credentials only the project, by which the account is told; what is no location stays as it is. */
export function bareLocation(location: string): string {
	const [, before, credentials, rest] = /^(swift(?:\+https?)?:\/\/)([^/]*)@([^/@]+\/.*)$/s.exec(location) ?? [];
	if (before === undefined || credentials === undefined) return location;
	try {
		return `${before}${encodeURIComponent(projectIn(credentials))}@${rest}`;
	} catch {
		return location;
	}
}

/** `invalid` for what no Glance writes; `not-found` for places that are not this store's. */
export async function placeOf(location: string, sessions: readonly Session[], signal: AbortSignal): Promise<Place> {
	const parsed = parse(location);
	for (const session of sessions) {
		const project = await belongsTo(session, parsed, signal);
		if (project === undefined) continue;
		const { container, object } = parsed;
		return { session, container, object, ...(project !== 'own' && project) };
	}
	throw new ImageError('not-found', 'the location is not one of this store');
}

/** Credentials are not kept: there is nothing that they would be used for. */
function parse(location: string): Parsed {
	if (location.length > MAX_LOCATION) throw new ImageError('invalid', 'the location is too long');
	if (location.split('://').length > 2) throw new ImageError('invalid', 'a swift location names one scheme only');
	const [, scheme, credentials, host, prefix, container, object] = FORM.exec(location) ?? [];
	const odd = /[\s?#\\]/.test(location) || [container, object].some((each) => each === '.' || each === '..');
	if (!scheme || !host || prefix === undefined || !container || !object || odd)
		throw new ImageError('invalid', 'the location is no swift location');
	const project = credentials === undefined ? undefined : projectIn(credentials);
	return { scheme, host, prefix, container, object, ...(project !== undefined && { project }) };
}

function projectIn(credentials: string): string {
	try {
		return decodeURIComponent(credentials).replace(/:.*$/s, '');
	} catch {
		throw new ImageError('invalid', 'the location is no swift location');
	}
}

async function belongsTo(
	session: Session,
	parsed: Parsed,
	signal: AbortSignal,
): Promise<'own' | { project: string } | undefined> {
	const { reference } = session;
	if (parsed.scheme === 'swift+config') return parsed.host === reference.name && parsed.prefix === '' ? 'own' : undefined;
	const atLogin = sameHost(parsed, reference.authAddress);
	if (parsed.project !== undefined) {
		if (!atLogin) return undefined;
		const { project } = await session.admission(signal);
		return [project.name, project.id].includes(parsed.project) ? 'own' : undefined;
	}
	if (atLogin && parsed.prefix === new URL(reference.authAddress).pathname.replace(/\/$/, '')) return 'own';
	return accountOf(parsed, await session.admission(signal));
}

/** By the host in the storage address, and an account that differs from it in the project's id alone. */
function accountOf(parsed: Parsed, { storageUrl, project }: Admission): 'own' | { project: string } | undefined {
	if (!sameHost(parsed, storageUrl)) return undefined;
	const own = new URL(storageUrl).pathname;
	if (parsed.prefix === own) return 'own';
	const base = own.endsWith(project.id) ? own.slice(0, -project.id.length) : undefined;
	if (base === undefined || !parsed.prefix.startsWith(base)) return undefined;
	const other = parsed.prefix.slice(base.length);
	return isProjectId(other) ? { project: other } : undefined;
}

function sameHost({ scheme, host }: Parsed, address: string): boolean {
	const url = `${scheme === 'swift+http' ? 'http' : 'https'}://${host}`;
	return URL.canParse(url) && new URL(url).host === new URL(address).host;
}

/** As Keystone makes them, and names of tempauth: nothing that means something in an address or in a list of readers. */
export function isProjectId(said: string): boolean {
	return /^[A-Za-z0-9][\w-]{0,127}$/.test(said);
}

/** Address of a project's account. */
export function accountUrl({ storageUrl, project }: Admission, other: string | undefined): string {
	if (other === undefined || other === project.id) return storageUrl;
	if (!isProjectId(other)) throw new ImageError('invalid', 'no account of swift can be of that project');
	if (!storageUrl.endsWith(`${project.id}`))
		throw new ImageError(
			'store-failed',
			"swift's address does not end with a project's id: other projects' accounts cannot be told",
		);
	return storageUrl.slice(0, -project.id.length) + other;
}
