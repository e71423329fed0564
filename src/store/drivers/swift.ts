/**
 * Swift, in Glance's own layout: an object named by the image's id in a container, long ones as dynamic large objects. Over
 * plain HTTP; tokens by Keystone v3 or by Swift's own authentication.
 */
import type { DriverKind, DriverManifest, DriverSurroundings, StoreDriver } from '../driver.ts';
import type { StoreOptions } from '../options.ts';
import { createAccount } from './swift/account.ts';
import { checkContainer, isOwnContainer, letRead, removeContainer } from './swift/containers.ts';
import { createHttp } from './swift/http.ts';
import { openUploads } from './swift/leftovers.ts';
import { bareLocation, placeOf } from './swift/locations.ts';
import { readObject, sizeOf } from './swift/reading.ts';
import { removeObject } from './swift/removal.ts';
import { createSession } from './swift/session.ts';
import { readSettings, shownProperties } from './swift/settings.ts';
import { createWriter } from './swift/writer.ts';

const manifest: DriverManifest = {
	type: 'swift',
	schemes: ['swift', 'swift+http', 'swift+https', 'swift+config'],
	writable: true,
	ranged: true,
	removable: true,
	adoptsFiles: false,
	bare: bareLocation,
	shares: true,
};

export const swift: DriverKind = {
	manifest,
	check: (options) => void readSettings(options),
	open: openSwift,
	properties: shownProperties,
};

async function openSwift(options: StoreOptions, { log, signal, workDir }: DriverSurroundings): Promise<StoreDriver> {
	const settings = readSettings(options);
	await using opening = new AsyncDisposableStack();
	const http = opening.use(createHttp(settings));
	const own = createSession(http, settings.reference, settings, log);
	const others = [...settings.references.values()].filter((each) => each !== settings.reference);
	const sessions = [own, ...others.map((each) => createSession(http, each, settings, log))];
	const account = (project: string | undefined) => createAccount(http, own, project);

	async function find(location: string, inner: AbortSignal) {
		const { session, project, container, object } = await placeOf(location, sessions, inner);
		const ownContainer = isOwnContainer(container, object, settings);
		return { account: createAccount(http, session, project), container, object, ownContainer };
	}

	await checkContainer(account(undefined), { ...settings, createContainer: true }, signal);
	const uploads = opening.use(await openUploads({ dir: workDir, account, ownContainers: settings.multiTenant, log }));
	const { put, locate } = createWriter({ settings, account, uploads });
	const parts = opening.move();
	return {
		manifest,
		put,
		locate,
		async *get(location, range, call) {
			const place = await find(location, call.signal);
			yield* readObject(place.account, place, range, call.signal);
		},
		async stat(location, call) {
			const place = await find(location, call.signal);
			return { size: await sizeOf(place.account, place.container, place.object, call.signal) };
		},
		async remove(location, call) {
			const place = await find(location, call.signal);
			await removeObject(place.account, place.container, place.object, call.signal, log);
			if (place.ownContainer) await removeContainer(place.account, place.container, call.signal);
		},
		async check(call) {
			await checkContainer(account(undefined), settings, call.signal);
			await uploads.settleAll(call.signal);
		},
		...(settings.multiTenant && {
			async share(location, readers, call) {
				const place = await find(location, call.signal);
				// a container that holds other images too is not opened for the readers of one
				if (place.ownContainer) await letRead(place.account, place.container, readers, settings, call.signal);
			},
		}),
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}
