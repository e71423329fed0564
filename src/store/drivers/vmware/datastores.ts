/** The datastores that an operator names, and where the next image goes. */
import { ImageError } from '#domain/errors.ts';
import { OptionError } from '#store/options.ts';
import { retrieve } from './properties.ts';
import type { Session } from './session.ts';
import { type Ref, readRef, textXml } from './soap.ts';
import { childOf, childrenOf } from './xml.ts';

/** One line of `vmware_datastores`. */
export interface DatastoreSpec {
	/** inventory path of the datacenter */
	readonly datacenter: string;
	readonly datastore: string;
	readonly weight: number;
}

export interface FoundDatastore extends DatastoreSpec {
	/** of the datacenter */
	readonly datacenterRef: Ref;
	readonly freeBytes: number;
	readonly accessible: boolean;
}

/** `datacenter_path:datastore_name[:weight]` */
export function parseDatastore(line: string, name: string): DatastoreSpec {
	const parts = line.split(':').map((part) => part.trim());
	const weight = parts.length > 2 ? parts.pop()! : '0';
	const datastore = parts.pop() ?? '';
	const datacenter = parts.join(':');
	if (datacenter === '' || datastore === '')
		throw new OptionError(`option ${name}: "${line}" is no datacenter_path:datastore_name[:weight]`);
	if (!/^\d{0,9}$/.test(weight)) throw new OptionError(`option ${name}: the weight of "${line}" is no whole number`);
	return { datacenter, datastore, weight: Number(weight) };
}

/** Each as it is now. Fails when one of them does not exist. */
export async function findDatastores(
	session: Session,
	specs: readonly DatastoreSpec[],
	signal: AbortSignal,
): Promise<readonly FoundDatastore[]> {
	const inventory = new Map<string, Awaited<ReturnType<typeof lookInto>>>();
	for (const { datacenter } of specs)
		if (!inventory.has(datacenter)) inventory.set(datacenter, await lookInto(session, datacenter, signal));
	return specs.map((spec) => {
		const { ref, stores } = inventory.get(spec.datacenter)!;
		const state = stores.get(spec.datastore);
		if (state === undefined)
			throw new ImageError('store-failed', `datacenter ${spec.datacenter} has no datastore ${spec.datastore}`);
		return { ...spec, ...state, datacenterRef: ref };
	});
}

export async function findDatacenter({ call, services }: Session, path: string, signal: AbortSignal): Promise<Ref> {
	const answer = await call('FindByInventoryPath', services.searchIndex, textXml('inventoryPath', path), signal);
	const ref = readRef(childOf(answer, 'returnval'));
	if (ref?.type !== 'Datacenter') throw new ImageError('store-failed', `there is no datacenter ${path}`);
	return ref;
}

async function lookInto(session: Session, path: string, signal: AbortSignal) {
	const ref = await findDatacenter(session, path, signal);
	const [datacenter] = await retrieve(session, [ref], ['datastore'], signal);
	const refs = childrenOf(datacenter?.get('datastore'), 'ManagedObjectReference').map(readRef);
	const known = refs.filter((each) => each !== undefined);
	const rows =
		known.length === 0 ? [] : await retrieve(session, known, ['name', 'summary.freeSpace', 'summary.accessible'], signal);
	const stores = rows.map((row) => {
		const freeBytes = Number(row.get('summary.freeSpace')?.text ?? 0);
		return [row.get('name')?.text ?? '', { freeBytes, accessible: row.get('summary.accessible')?.text === 'true' }] as const;
	});
	return { ref, stores: new Map(stores) };
}

/** The heaviest in which so many bytes fit; of two of the same weight the emptier. */
export function chooseDatastore(found: readonly FoundDatastore[], bytes: number): FoundDatastore {
	const usable = found.filter(({ accessible }) => accessible);
	if (usable.length === 0) throw new ImageError('unavailable', 'no datastore can be reached');
	const fitting = usable.filter(({ freeBytes }) => freeBytes >= bytes);
	const [chosen] = fitting.toSorted((a, b) => b.weight - a.weight || b.freeBytes - a.freeBytes);
	if (chosen === undefined) throw new ImageError('full', `no datastore has room for ${bytes} bytes`);
	return chosen;
}
