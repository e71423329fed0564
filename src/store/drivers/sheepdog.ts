/**
 * Images of a Sheepdog cluster, one an object, named by the image id, as Glance's former driver keeps them: spoken to by its own
 * protocol, without its tools. An image is made with a size that is nobody's, and gets its own when all its bytes are there:
 * by that size a half-written one is known, and by nothing else is any removed.
 */
import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { ObjectSource, StoreCall, StoredObject } from '#domain/ports/stores.ts';
import { MiB, TiB } from '#lib/sizes.ts';
import type { DriverKind, DriverManifest, DriverSurroundings, StoreDriver } from '../driver.ts';
import { count, OptionError, parseOptions, type StoreOptions, text } from '../options.ts';
import { hasTexts, openHalfMade } from './half-made.ts';
import { createSheep } from './sheepdog/connection.ts';
import { readLocation, writeLocation } from './sheepdog/location.ts';
import { createVdi, deleteVdi, findVdi, readVdi, type Vdi, writeSize } from './sheepdog/vdi.ts';
import { writeSource } from './sheepdog/writer.ts';

const manifest: DriverManifest = {
	type: 'sheepdog',
	schemes: ['sheepdog'],
	writable: true,
	ranged: true,
	removable: true,
	adoptsFiles: false,
};

const OPTIONS = {
	sheepdog_store_address: text('127.0.0.1'),
	sheepdog_store_port: count(7000, { min: 1, max: 65_535 }),
	/** MiB; here: of data after which their index is written */
	sheepdog_store_chunk_size: count(64, { min: 1, max: 4096 }),
};

export const sheepdog: DriverKind = {
	manifest,
	check: (options) => void settingsOf(options),
	open: (options, around) => openSheepdog(settingsOf(options), around),
	properties: () => ({}),
};

const CLEANING_MS = 10_000;
/** The largest image of a cluster's usual 4 MiB objects; the last TiB is where sizes of the unfinished are. */
const UNFINISHED_BYTES = 3 * TiB;
const ABSENT = 'sundog-looks-whether-sheepdog-answers';

type Settings = ReturnType<typeof settingsOf>;

/** Known of it: the image, once all its bytes are there. */
interface Upload {
	readonly name: string;
	/** its size until then, in bytes */
	readonly mark: string;
}

function settingsOf(options: StoreOptions) {
	const said = parseOptions(OPTIONS, options);
	const address = said.sheepdog_store_address;
	if (isIP(address) === 0 && !/^[A-Za-z0-9_.-]+$/.test(address))
		throw new OptionError(`option sheepdog_store_address: "${address}" is no host`);
	return { address, port: said.sheepdog_store_port, indexBytes: said.sheepdog_store_chunk_size * MiB };
}

async function openSheepdog(settings: Settings, { log, signal, workDir }: DriverSurroundings): Promise<StoreDriver> {
	await using stack = new AsyncDisposableStack();
	const sheep = stack.use(createSheep(settings));
	const find = (location: string, call: StoreCall) => findVdi(sheep, readLocation(settings, location), call.signal);
	const answers = (within: AbortSignal) => findVdi(sheep, ABSENT, within).then(() => undefined, ifMissing);
	await answers(signal);
	const halfMade = stack.use(
		await openHalfMade<Upload, Vdi | undefined>({
			dir: workDir,
			isWhat: (content) => hasTexts(content, 'name', 'mark'),
			takeAway: discard,
			log,
		}),
	);

	async function put(key: string, source: ObjectSource, { signal: wanted }: StoreCall): Promise<StoredObject> {
		const location = writeLocation(settings, key);
		await halfMade.settle(({ name }) => name === key);
		const mark = UNFINISHED_BYTES + randomInt(2 ** 40);
		const note = await halfMade.begin({ name: key, mark: String(mark) });
		let own: Vdi | undefined;
		try {
			const vdi = await createVdi(sheep, key, mark, wanted);
			const lastSignal = () => AbortSignal.timeout(CLEANING_MS);
			const size = await writeSource(sheep, vdi, source, { indexBytes: settings.indexBytes, signal: wanted, lastSignal });
			if (size >= UNFINISHED_BYTES) throw new ImageError('full', 'the image is larger than sheepdog takes');
			own = { ...vdi, size };
			await writeSize(sheep, vdi, size, wanted);
			wanted.throwIfAborted();
			await note.end();
			return { location, how: 'copy', size };
		} catch (error) {
			await note.undo(own);
			throw error;
		}
	}

	/** Removes a half-written image, or our `own` whose size may be written; another one is somebody's. */
	async function discard({ name, mark }: Upload, own: Vdi | undefined, within: AbortSignal): Promise<void> {
		const vdi = await findVdi(sheep, name, within).catch(ifMissing);
		const ours = vdi !== undefined && (String(vdi.size) === mark || (vdi.vid === own?.vid && vdi.size === own.size));
		if (ours) await deleteVdi(sheep, name, within).catch(ifMissing);
	}

	const parts = stack.move();
	return {
		manifest,
		put,
		async *get(location, range, call) {
			const vdi = await find(location, call);
			const { start, end } = range === 'whole' ? { start: 0, end: finished(vdi).size } : range;
			if (end > finished(vdi).size) throw new ImageError('corrupt', 'the stored object is shorter than the range asked for');
			yield* readVdi(sheep, vdi, start, end, call.signal);
		},
		stat: async (location, call) => ({ size: finished(await find(location, call)).size }),
		async remove(location, call) {
			await find(location, call);
			await deleteVdi(sheep, readLocation(settings, location), call.signal);
		},
		locate: (key) => writeLocation(settings, key),
		async check(call) {
			await answers(call.signal);
			await halfMade.settleAll(call.signal);
		},
		[Symbol.asyncDispose]: () => parts.disposeAsync(),
	};
}

/** An image that somebody is still writing, or has left half-written, is none. */
function finished(vdi: Vdi): Vdi {
	if (vdi.size >= UNFINISHED_BYTES) throw new ImageError('not-found', 'there is no such image');
	return vdi;
}

function ifMissing(error: unknown): undefined {
	if (codeOf(error) !== 'not-found') throw error;
}
