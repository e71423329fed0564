/**
 * The composition root: the only file that knows every concrete thing. Parts are made floor by floor, each from what
 * stands above it in this file, and end in the opposite order. Nothing here decides anything about images.
 */
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type LocalCatalogue, openCatalogue } from '#catalogue/catalogue.ts';
import { openLevel } from '#catalogue/level/key-value.ts';
import type { RunningNode } from '#cli/start-node.ts';
import type { Config } from '#config/config.ts';
import { openContentStore } from '#content/content-store.ts';
import { lateSources } from '#content/late-sources.ts';
import { memoryLedger } from '#content/ledger.ts';
import { database } from '#domain/layers/database.ts';
import { anyArrival } from '#domain/ports/arrivals.ts';
import type { NodeRecord } from '#domain/ports/catalogue.ts';
import type { ImageStore } from '#domain/ports/stores.ts';
import { createScrubber, type Scrubber } from '#domain/scrubber.ts';
import { joinFleet } from '#exchange/join.ts';
import { startPeerExchange } from '#exchange/peer-exchange.ts';
import type { PeerExchange } from '#exchange/ports.ts';
import { withRememberedPorts } from '#exchange/remembered-ports.ts';
import { createInvitations } from '#fleet/invitations.ts';
import { createLogTrust } from '#fleet/log-trust.ts';
import { createMembership } from '#fleet/membership.ts';
import { openNodeKey } from '#fleet/node-key.ts';
import { gainStanding, saveCertificate } from '#fleet/standing.ts';
import type { Log } from '#lib/log.ts';
import { createCopyKeeper } from '#replication/copy-keeper.ts';
import { createHolderBook } from '#replication/holder-book.ts';
import { startHousekeeping } from '#replication/housekeeping.ts';
import { openImageCache } from '#replication/image-cache.ts';
import { createImageObjects } from '#replication/image-objects.ts';
import { lookingUpHolders } from '#replication/looking-up-holders.ts';
import { createObjectKeeper } from '#replication/object-keeper.ts';
import { createOrigins, joinSources } from '#replication/origins.ts';
import { createReadersKeeper } from '#replication/readers-keeper.ts';
import { readingOrigins } from '#replication/reading-origins.ts';
import { createSeeder } from '#replication/seeder.ts';
import { openClientsDoor } from './clients-door.ts';
import { type Backend, createDesk, createHealth, deletedImages } from './node-facts.ts';
import { checkConfiguredStores, lookAtStores, openConfiguredStores, seededStores, storeSpecs } from './open-stores.ts';
import type { Surroundings } from './surroundings.ts';

const COLLECT_EVERY_MS = 3600_000;
const SCRUB_EVERY_MS = 60_000;
const LOOK_EVERY_MS = 60_000;
const RENEW_EVERY_MS = 24 * 3600_000;

/** Resolves when the node serves; when it fails, nothing is left open. */
export async function startNode(
	config: Config,
	options: { readonly log: Log; readonly signal: AbortSignal },
): Promise<RunningNode> {
	checkConfiguredStores(config);
	await using stack = new AsyncDisposableStack();
	const around: Surroundings = { config, ...options, stack };
	const ground = await openGround(around);
	const bytes = await openBytes(around, ground);
	const exchange = await openPeersDoor(around, ground, bytes);
	const replication = await startReplication(around, ground, bytes, exchange);
	const { db, catalogue, membership, invitations } = ground;
	const { content, ledger, stores } = bytes;
	const { objects, backends, cache } = replication;
	const scrubber = openScrubber(around, ground, bytes, replication);
	const { http, notes } = await openClientsDoor(around, {
		db,
		catalogue,
		content,
		cache,
		site: membership.site,
		node: membership.node,
		stores,
		objects,
		health: createHealth({ catalogue, content, exchange, stores }),
		admin: createDesk({ catalogue, content, ledger, membership, exchange, invitations, stores, backends }),
		deleted: deletedImages(scrubber, catalogue),
	});
	startChores(around, ground, bytes, replication, scrubber);

	const parts = stack.move();
	const { site, node } = membership;
	return { http, peer: exchange.addresses(), site, node, dataDir: config.dataDir, notes, stop: () => parts.disposeAsync() };
}

type Ground = Awaited<ReturnType<typeof openGround>>;

/** Who this node is, and what it knows. */
async function openGround({ config, log, signal, stack }: Surroundings) {
	const { dataDir, bootstrap } = config;
	// Whoever holds the database's lock owns the data directory: nothing else in it is touched before.
	await mkdir(dataDir, { recursive: true, mode: 0o750 });
	await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
	const db = await openLevel(join(dataDir, 'db'), { signal });
	stack.defer(() => db.close());

	const nodeKey = await openNodeKey(join(dataDir, 'identity.key'));
	const { seed, peerId } = nodeKey;
	const standing = await gainStanding({
		dataDir,
		nodeKey,
		site: config.site,
		...(config.join !== undefined && { token: config.join }),
		hasBootstrap: bootstrap.length > 0,
		clock: Date.now,
		redeem: async (token) => (await joinFleet({ seed, bootstrap, token, signal, log })).certificate,
	});
	const { fleet, fleetKey } = standing;
	const signer = { log: peerId, sign: nodeKey.sign };
	const catalogue = stack.use(await openCatalogue({ kv: db.sub('catalogue/'), signer, trust: createLogTrust(fleet), log }));
	const invitations = fleetKey && createInvitations({ kv: db.sub('invitations/'), fleetKey, clock: Date.now });
	const membership = createMembership({
		node: peerId,
		standing,
		...(invitations && { invitations }),
		nodes: () => catalogue.nodes(),
		async save(certificate) {
			await saveCertificate(dataDir, fleet, certificate);
			await catalogue.commit([{ type: 'node.announce', certificate, addresses: ownRecord(catalogue)?.addresses ?? [] }]);
		},
		clock: Date.now,
	});
	return { db, seed, catalogue, membership, ...(invitations && { invitations }) };
}

type Bytes = Awaited<ReturnType<typeof openBytes>>;

async function openBytes({ config, log, stack }: Surroundings, { db, catalogue, membership, invitations }: Ground) {
	const specs = storeSpecs(config, invitations !== undefined);
	const ledger = memoryLedger();
	const sources = lateSources();
	const stored = stack.use(
		await openContentStore({
			directory: join(config.dataDir, 'content'),
			index: db.sub('content/'),
			sources,
			ledger,
			// Files that are linked into a backend must be whole. docs/decisions/0007-seeding-by-pull-and-link.md
			shareBlocks: !specs.some(({ type }) => type === 'file'),
			log,
		}),
	);
	const book = stack.use(createHolderBook(catalogue));
	const stores = stack.use(await openConfiguredStores(config, specs, log));
	const origins = stack.use(createOrigins({ catalogue, stores, log }));
	const hasHolders = async (root: string) => {
		await book.open(root);
		return book.holders(root).some((holder) => holder !== membership.node);
	};
	const content = readingOrigins(lookingUpHolders(stored, book), { origins, hasHolders, log });
	return { content, ledger, sources, book, stores, origins };
}

async function openPeersDoor(
	{ config, log, stack }: Surroundings,
	{ seed, catalogue, membership }: Ground,
	{ content, sources, book, origins }: Bytes,
): Promise<PeerExchange> {
	const start = (listen: readonly string[]) =>
		startPeerExchange({
			seed,
			listen,
			bootstrap: config.bootstrap,
			membership,
			nodes: () => catalogue.nodes(),
			onNodes: (listener) => catalogue.follow((change) => change.nodes && listener()),
			feed: catalogue.feed,
			shelf: content,
			// Every member holds every log, and a content is on the shelf only while a live image names it.
			mayServe: () => true,
			holders: book.holders,
			log,
		});
	const remembered = withRememberedPorts(config.peerListen, ownRecord(catalogue)?.addresses ?? []);
	const exchange = stack.use(
		remembered === undefined
			? await start(config.peerListen)
			: await start(remembered).catch((error: unknown) => {
					log.info({ error: String(error), remembered }, 'the peer address of last time is taken; another one is picked');
					return start(config.peerListen);
				}),
	);
	sources.connect(joinSources(exchange.sources, origins));
	await announceSelf(catalogue, membership.certificate(), exchange.addresses());
	return exchange;
}

function ownRecord(catalogue: LocalCatalogue): NodeRecord | undefined {
	return catalogue.nodes().find((record) => record.self);
}

/** Says in this node's log who it is and where it is reached, when that is news. The first op of every log. */
async function announceSelf(catalogue: LocalCatalogue, certificate: string, dialled: readonly string[]): Promise<void> {
	const addresses = dialled.map((address) => address.replace(/\/p2p\/[^/]+$/, ''));
	const known = ownRecord(catalogue);
	if (known?.certificate === certificate && known.addresses.join() === addresses.join()) return;
	await catalogue.commit([{ type: 'node.announce', certificate, addresses }]);
}

type Replication = Awaited<ReturnType<typeof startReplication>>;

async function startReplication(
	{ config, log, stack }: Surroundings,
	{ db, catalogue, membership }: Ground,
	{ content, sources, stores, origins }: Bytes,
	exchange: PeerExchange,
) {
	const { node, site } = membership;
	const keeper = stack.use(createCopyKeeper({ catalogue, data: content, node, site, log }));
	const backends: Backend[] = [];
	const objects = createImageObjects({
		...{ kv: db.sub('objects/'), content },
		onLeft: (id, store) => objectKeeper.look(id, store),
	});
	// Every image that is in no store yet comes into the default one; without one, into the file store that a centre has by itself.
	const seeded = seededStores(stores);
	for (const store of seeded) {
		const seeder = stack.use(createSeeder({ catalogue, content, objects, backend: store, node, site, log }));
		stack.defer(exchange.sources.onChange(seeder.nudge));
		backends.push({ store, seeder });
	}
	const shared = { catalogue, content, sources, origins, node, site, log, clock: Date.now };
	const cache = config.cache && stack.use(await openImageCache({ ...shared, ...config.cache, kv: db.sub('cache/') }));
	const isSeeded = (store: ImageStore) => seeded.includes(store);
	const objectKeeper = stack.use(createObjectKeeper({ catalogue, objects, stores, isSeeded, log }));
	const readersKeeper = stack.use(createReadersKeeper({ catalogue, stores, log }));
	return { keeper, objects, objectKeeper, readersKeeper, backends, cache };
}

function openScrubber(
	{ config, log }: Surroundings,
	{ catalogue, membership }: Ground,
	{ content, stores }: Bytes,
	{ objects }: Replication,
): Scrubber {
	return createScrubber({
		...{ catalogue, repository: database(catalogue), data: content, stores, objects, arrivals: anyArrival, log },
		...{ site: membership.site, sitesShown: config.api.showSites, hashAlgorithm: config.hashAlgorithm, clock: Date.now },
		...{ delayedDelete: config.delayedDelete !== undefined, scrubAfterMs: config.delayedDelete?.scrubAfterMs ?? 0 },
	});
}

function startChores(
	{ log, stack }: Surroundings,
	{ catalogue, membership }: Ground,
	{ content, stores }: Bytes,
	{ keeper, objectKeeper, readersKeeper, backends, cache }: Replication,
	scrubber: Scrubber,
): void {
	const isNamed = async (root: string) => (await catalogue.imagesOf(root)).length > 0;
	const renewOwn = async () => {
		const fresh = await membership.renew(membership.node, membership.certificate());
		if (fresh !== undefined) await membership.accept(fresh);
	};
	stack.use(
		startHousekeeping(
			[
				{ name: 'say what is held', work: keeper.reconcile },
				{ name: 'look for stray objects', work: objectKeeper.start },
				{ name: 'tell stores who may read', work: readersKeeper.start },
				...backends.map(({ store, seeder }) => ({ name: `seed ${store.id}`, work: seeder.start })),
				{ name: 'scrub deleted images', everyMs: SCRUB_EVERY_MS, work: (signal) => scrubber.scrub({ signal }) },
				...(cache === undefined ? [] : [{ name: 'prune the cache', everyMs: COLLECT_EVERY_MS, work: () => cache.prune() }]),
				{ name: 'collect what no image names', everyMs: COLLECT_EVERY_MS, work: () => content.collect(isNamed) },
				{ name: 'renew the certificate', everyMs: RENEW_EVERY_MS, work: renewOwn },
				{ name: 'look at the stores', everyMs: LOOK_EVERY_MS, work: (signal) => lookAtStores(stores, signal) },
			],
			log,
		),
	);
}
