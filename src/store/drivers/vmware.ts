/**
 * VMware datastores, in Glance's layout: `[datastore] <vmware_store_image_dir>/<image id>`. Bytes go over HTTPS to the server's
 * `/folder`; a file is written under another name and gets its own when it is whole, so nobody sees half an image and of two
 * writers one loses. The rest is the vSphere API: sessions, free space, folders, renaming, deleting.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ObjectSource, StoreCall, StoredObject } from '#domain/ports/stores.ts';
import type { DriverKind, DriverManifest, DriverSurroundings, StoreDriver } from '../driver.ts';
import { count, flag, list, maybeText, needed, OptionError, parseOptions, type StoreOptions, text } from '../options.ts';
import { hasTexts, openHalfMade } from './half-made.ts';
import { chooseDatastore, type FoundDatastore, findDatacenter, findDatastores, parseDatastore } from './vmware/datastores.ts';
import { createFileManager, type ManagedFile } from './vmware/file-manager.ts';
import { createFiles } from './vmware/files.ts';
import { createLocations, KEY } from './vmware/location.ts';
import { openSession } from './vmware/session.ts';
import { createTransport } from './vmware/transport.ts';

const manifest: DriverManifest = {
	type: 'vmware',
	schemes: ['vsphere'],
	writable: true,
	ranged: true,
	removable: true,
	adoptsFiles: false,
};

const OPTIONS = {
	vmware_server_host: needed,
	vmware_server_username: needed,
	vmware_server_password: needed,
	vmware_datastores: list,
	vmware_store_image_dir: text('/openstack_glance'),
	vmware_api_retry_count: count(10, { min: 1, max: 100 }),
	vmware_task_poll_interval: count(5, { min: 1, max: 3600 }),
	vmware_insecure: flag(false),
	/** the former name */
	vmware_api_insecure: flag(false),
	vmware_ca_file: maybeText,
};

export const vmware: DriverKind = {
	manifest,
	check: (options) => void settingsOf(options),
	open: (options, around) => openVmware(settingsOf(options), around),
	properties: () => ({}),
};

type Settings = ReturnType<typeof settingsOf>;

const HTTPS_PORT = 443;
const CLEANING_MS = 10_000;
const MOVING_MS = 60_000;

function settingsOf(options: StoreOptions) {
	const said = parseOptions(OPTIONS, options);
	const datastores = said.vmware_datastores.map((line) => parseDatastore(line, 'vmware_datastores'));
	if (datastores.length === 0) throw new OptionError('option vmware_datastores is needed');
	const dir = said.vmware_store_image_dir.replace(/^\/+|\/+$/g, '');
	if (dir.split('/').some((step) => !/^[\w. -]+$/.test(step) || /^\.{1,2}$/.test(step)))
		throw new OptionError('option vmware_store_image_dir names no folder');
	return {
		...hostAndPort(said.vmware_server_host),
		authority: said.vmware_server_host,
		user: said.vmware_server_username,
		password: said.vmware_server_password,
		datastores,
		dir,
		retryCount: said.vmware_api_retry_count,
		pollIntervalMs: said.vmware_task_poll_interval * 1000,
		caFile: said.vmware_ca_file,
		// as in Glance, a file of authorities is not overruled by the wish to ask none
		verify: said.vmware_ca_file !== undefined || !(said.vmware_insecure || said.vmware_api_insecure),
	};
}

function hostAndPort(said: string): { readonly host: string; readonly port: number } {
	if (isIPv6(said)) return { host: said, port: HTTPS_PORT };
	const matched = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_.-]+))(?::(\d{1,5}))?$/.exec(said);
	const port = Number(matched?.[3] ?? HTTPS_PORT);
	if (matched === null || port === 0 || port > 65_535)
		throw new OptionError(`option vmware_server_host: "${said}" is no host[:port]`);
	return { host: matched[1] ?? matched[2]!, port };
}

/** Of a half-written file: the name is that of no other upload. */
interface Part {
	readonly datacenter: string;
	readonly datastore: string;
	readonly path: string;
}

function isPart(content: unknown): content is Part {
	return hasTexts(content, 'datacenter', 'datastore', 'path') && content.path.endsWith('.part');
}

async function openVmware(settings: Settings, { log, signal, workDir }: DriverSurroundings): Promise<StoreDriver> {
	const { dir, datastores } = settings;
	await using stack = new AsyncDisposableStack();
	const transport = createTransport({ ...settings, ...readAuthorities(settings.caFile) });
	const session = stack.use(await openSession(transport, settings, signal));
	const files = createFiles(transport, session);
	const manager = createFileManager(session, settings.pollIntervalMs);
	const locations = createLocations({ host: settings.authority, dir, places: datastores });
	await findDatastores(session, datastores, signal);
	const halfMade = stack.use(await openHalfMade<Part>({ dir: workDir, isWhat: isPart, takeAway: removePart, log }));

	const fileOf = (place: FoundDatastore, name: string): ManagedFile => ({ ...place, path: `${dir}/${name}` });

	async function put(key: string, source: ObjectSource, { signal: wanted }: StoreCall): Promise<StoredObject> {
		if (!KEY.test(key)) throw new ImageError('invalid', 'object keys are image ids');
		const found = await findDatastores(session, datastores, wanted);
		for (const place of found)
			if (place.accessible && (await files.exists(fileOf(place, key), wanted)))
				throw new ImageError('conflict', `there is an object ${key} already`);
		const place = chooseDatastore(found, source.size ?? 0);
		const [part, whole] = [fileOf(place, `${key}.${randomUUID()}.part`), fileOf(place, key)];
		const note = await halfMade.begin({ datacenter: place.datacenter, datastore: place.datastore, path: part.path });
		try {
			const size = await write(part, whole, source, wanted);
			await note.end();
			return { location: locations.write(place, key), how: 'copy', size };
		} catch (error) {
			await note.undo();
			throw error;
		}
	}

	async function write(part: ManagedFile, whole: ManagedFile, source: ObjectSource, wanted: AbortSignal): Promise<number> {
		await manager.makeDirectory({ ...whole, path: dir }, wanted);
		const bytes = await files.write(part, source, wanted);
		const kept = await files.size(part, wanted);
		if (kept !== bytes) throw new ImageError('store-failed', `the datastore keeps ${kept} of ${bytes} bytes`);
		try {
			// a task goes on when nobody waits for it, so this one is waited for
			await manager.move(part, whole, AbortSignal.timeout(MOVING_MS));
			wanted.throwIfAborted();
		} catch (error) {
			// the part was there and is not any more: the whole is ours
			if (!(await files.exists(part, AbortSignal.timeout(CLEANING_MS))))
				await manager.remove(whole, AbortSignal.timeout(CLEANING_MS)).catch(ifMissing);
			throw error;
		}
		return bytes;
	}

	async function removePart({ datacenter, datastore, path }: Part, _: unknown, within: AbortSignal): Promise<void> {
		const datacenterRef = await findDatacenter(session, datacenter, within);
		await manager.remove({ datacenter, datastore, path, datacenterRef }, within).catch(ifMissing);
	}

	const parts = stack.move();
	return {
		manifest,
		put,
		get: (location, range, call) => files.read(locations.read(location), range, call.signal),
		stat: async (location, call) => ({ size: await files.size(locations.read(location), call.signal) }),
		async remove(location, call) {
			const place = locations.read(location);
			await manager.remove(
				{ ...place, datacenterRef: await findDatacenter(session, place.datacenter, call.signal) },
				call.signal,
			);
		},
		locate: (key) => (datastores.length === 1 && KEY.test(key) ? locations.write(datastores[0]!, key) : undefined),
		async check(call) {
			chooseDatastore(await findDatastores(session, datastores, call.signal), 0);
			await halfMade.settleAll(call.signal);
		},
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

function ifMissing(error: unknown): void {
	if (codeOf(error) !== 'not-found') throw error;
}

function readAuthorities(path: string | undefined): { readonly ca?: string } {
	if (path === undefined) return {};
	try {
		return { ca: readFileSync(path, 'utf8') };
	} catch (error) {
		throw new ImageError('unavailable', 'the file of vmware_ca_file cannot be read', { cause: error });
	}
}
