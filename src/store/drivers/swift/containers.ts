/** Which container an object lies in, and who may read it. */
import { ImageError } from '#domain/errors.ts';
import type { StoreReaders } from '#domain/ports/stores.ts';
import { type Account, refusal } from './account.ts';
import { isProjectId } from './locations.ts';
import type { SwiftSettings } from './settings.ts';

/** In its owner's account every image has a container to itself, as containers are what Swift lets others read. */
export function containerOf(key: string, { container, multiTenant, seed }: SwiftSettings): string {
	if (multiTenant) return `${container}_${key}`;
	if (seed === 0) return container;
	const id = key.toLowerCase();
	// as glance_store counts: of the dashes only those among the first so many letters are made up for
	const dashes = id.slice(0, seed).split('-').length - 1;
	return `${container}_${id.slice(0, seed + dashes)}`;
}

export function isOwnContainer(container: string, object: string, settings: SwiftSettings): boolean {
	return settings.multiTenant && container === containerOf(object, settings);
}

/** `store-failed` when it is not there and not to be made. */
export async function provideContainer(account: Account, container: string, settings: SwiftSettings, signal: AbortSignal) {
	const { status } = await account.ask({ method: 'HEAD', container, signal });
	if (status < 300) return;
	if (status !== 404) throw refusal(status, 'looking for a container');
	if (!settings.createContainer) throw missing(container);
	const headers = settings.multiTenant ? { 'x-container-write': writers(settings) } : {};
	const made = await account.ask({ method: 'PUT', container, headers, signal });
	if (made.status >= 300) throw refusal(made.status, 'making a container');
}

/** Throws when objects cannot be written and read. */
export async function checkContainer(account: Account, settings: SwiftSettings, signal: AbortSignal): Promise<void> {
	const { container, multiTenant, seed, createContainer } = settings;
	const single = !multiTenant && seed === 0;
	const { status } = await account.ask({ method: 'HEAD', signal, ...(single && { container }) });
	if (status === 404 && single && !createContainer) throw missing(container);
	if (status >= 300 && status !== 404) throw refusal(status, 'looking for a container');
}

/** One with something in it stays: Swift refuses. */
export async function removeContainer(account: Account, container: string, signal: AbortSignal): Promise<void> {
	const { status } = await account.ask({ method: 'DELETE', container, signal });
	if (status >= 300 && status !== 404 && status !== 409) throw refusal(status, "removing an image's container");
}

/** Public is everybody who has a token; nobody reads without one. */
export async function letRead(
	account: Account,
	container: string,
	readers: StoreReaders,
	settings: SwiftSettings,
	signal: AbortSignal,
) {
	const headers = {
		'x-container-read': readers.public ? '*:*' : membersOf(readers.projects),
		'x-container-write': writers(settings),
	};
	const { status } = await account.ask({ method: 'POST', container, headers, signal });
	if (status >= 300) throw refusal(status, 'saying who may read a container');
}

function writers({ adminProjects }: SwiftSettings): string {
	return membersOf(adminProjects);
}

/** A member is what a user said: what is no id of a project is left out, or a comma in it would let in somebody else. */
function membersOf(projects: readonly string[]): string {
	return projects
		.filter(isProjectId)
		.map((each) => `${each}:*`)
		.join(',');
}

function missing(container: string): ImageError {
	return new ImageError(
		'store-failed',
		`the container ${container} is not in swift, and swift_store_create_container_on_put is off`,
	);
}
