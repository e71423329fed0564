/** What a running node says of itself: to probes, to its administrator, and to the CLI on the same machine. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentStore, TransferLedger } from '#content/ports.ts';
import { ImageError } from '#domain/errors.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { ImageStore, ImageStores } from '#domain/ports/stores.ts';
import type { Scrubber } from '#domain/scrubber.ts';
import type { PeerExchange } from '#exchange/ports.ts';
import type { Invitations } from '#fleet/invitations.ts';
import type { Membership } from '#fleet/ports.ts';
import type { AdminDesk, Capability, DeletedImages, Health } from '#http/ports.ts';
import type { Seeder } from '#replication/seeder.ts';

/** A central backend that is filled, and what fills it. */
export interface Backend {
	readonly store: ImageStore;
	readonly seeder: Seeder;
}

export interface HealthParts {
	readonly catalogue: Catalogue;
	readonly content: ContentStore;
	readonly exchange: PeerExchange;
	readonly stores: Pick<ImageStores, 'all'>;
}

/** A store that hangs holds up no answer to a probe. */
const STORE_LOOK_MS = 2000;

/** Each capability is asked for what it needs to be true right now. */
export function createHealth({ catalogue, content, exchange, stores }: HealthParts): Health {
	return {
		readiness: ({ signal }) =>
			Promise.all([
				look('catalogue', () => catalogue.nodes()),
				look('content', () => content.check()),
				look('exchange', () => exchange.addresses()),
				...stores.all.map((store) => lookAtStore(store, signal)),
			]),
	};
}

/** Without a store, a node still serves what is at its site, and takes what goes there or to another one. */
async function lookAtStore(store: ImageStore, signal: AbortSignal): Promise<Capability> {
	const fault = store.fault();
	const late = AbortSignal.timeout(STORE_LOOK_MS);
	const seen = await look(`store:${store.id}`, async () => {
		if (fault !== undefined) throw new ImageError('unavailable', fault);
		await store.check({ signal: AbortSignal.any([signal, late]) });
	});
	const isLate = late.aborted && !seen.ready && fault === undefined;
	return { ...seen, ...(isLate && { detail: `no answer within ${STORE_LOOK_MS / 1000} s` }), optional: true };
}

async function look(name: string, probe: () => unknown): Promise<Capability> {
	try {
		await probe();
		return { name, ready: true };
	} catch (error) {
		return { name, ready: false, detail: error instanceof ImageError ? error.message : 'failed' };
	}
}

export interface DeskParts {
	readonly catalogue: Catalogue;
	readonly content: ContentStore;
	readonly ledger: TransferLedger;
	readonly membership: Membership;
	readonly exchange: PeerExchange;
	readonly invitations: Invitations | undefined;
	readonly stores: Pick<ImageStores, 'all'>;
	readonly backends: readonly Backend[];
}

export function createDesk(parts: DeskParts): AdminDesk {
	const { catalogue, content, ledger, membership, exchange, invitations, stores, backends } = parts;

	function storeFacts(store: ImageStore) {
		const { id, type, readOnly } = store;
		const seeder = backends.find((backend) => backend.store.id === id)?.seeder;
		const fault = store.fault();
		return {
			...{ store: id, type, readOnly, state: fault === undefined ? 'open' : 'unavailable' },
			...(fault !== undefined && { fault }),
			...(seeder && { toSeed: seeder.backlog() }),
		};
	}

	return {
		async invite(site) {
			if (invitations === undefined)
				throw new ImageError('forbidden', `site "${membership.site}" cannot invite: the fleet's key is at the centre`);
			return invitations.invite(site);
		},
		async node() {
			return {
				node: membership.node,
				site: membership.site,
				fleet: membership.fleet,
				centre: invitations !== undefined,
				addresses: exchange.addresses(),
				peers: exchange.peers(),
				nodes: catalogue.nodes().map(({ node, site, addresses, self }) => ({ node, site, addresses, self })),
				contents: await content.usage(),
				stores: stores.all.map(storeFacts),
			};
		},
		async transfers() {
			const rows = ledger.roots().map(async (root) => ({
				root,
				images: (await catalogue.imagesOf(root)).map(({ id }) => id),
				sources: ledger.of(root),
			}));
			return Promise.all(rows);
		},
	};
}

/** What waits to be scrubbed, as an operator wants to see it. */
export function deletedImages(scrubber: Scrubber, catalogue: Catalogue): DeletedImages {
	return {
		restore: scrubber.restore,
		async *list() {
			for await (const id of scrubber.waiting()) {
				const image = catalogue.image(id);
				if (image === undefined) continue;
				const { name, owner, size, updatedAt } = image;
				yield { id, name, owner, size, deleted_at: new Date(updatedAt).toISOString() };
			}
		},
	};
}

/** Lets the CLI find the node of a data directory. */
export async function publishNodeFile(dataDir: string, facts: { readonly http: string }): Promise<AsyncDisposable> {
	const path = join(dataDir, 'node.json');
	await writeFile(path, `${JSON.stringify({ ...facts, pid: process.pid })}\n`, { mode: 0o644 });
	return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}
