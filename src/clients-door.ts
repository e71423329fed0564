/**
 * The clients' door put together: who asks (identity), what the rules say (policy), what is told (notifier), the domain
 * controllers, and the server before them. Part of the composition root; it decides nothing.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { LocalCatalogue } from '#catalogue/catalogue.ts';
import { type ApiConfig, type Config, ConfigError } from '#config/config.ts';
import { createAdopter } from '#domain/adoption.ts';
import { buildCacheController } from '#domain/cache/onion.ts';
import { locationsFor } from '#domain/locations.ts';
import { buildMetadefController } from '#domain/metadefs/onion.ts';
import { buildImageController } from '#domain/onion.ts';
import type { Arrivals } from '#domain/ports/arrivals.ts';
import type { EncryptionKeys } from '#domain/ports/encryption-keys.ts';
import type { ImageCache } from '#domain/ports/image-cache.ts';
import type { ImageData } from '#domain/ports/image-data.ts';
import type { ImageObjects } from '#domain/ports/image-objects.ts';
import type { Quota } from '#domain/ports/quota.ts';
import type { ImageStores } from '#domain/ports/stores.ts';
import { recoverInterrupted } from '#domain/recovery.ts';
import { buildStoreController } from '#domain/stores/controller.ts';
import { readPrivateFile, writePrivateFileOnce } from '#fleet/private-file.ts';
import type { ApiOptions } from '#http/api-options.ts';
import { createApp, draftParser } from '#http/app.ts';
import type { AdminDesk, DeletedImages, Health } from '#http/ports.ts';
import { readSchemaFile } from '#http/schema-file.ts';
import { startHttpServer } from '#http/server.ts';
import { identities } from '#identity/index.ts';
import { withOperator } from '#identity/operator.ts';
import type { Identity } from '#identity/ports.ts';
import { createEncryptionKeys } from '#key-manager/encryption-keys.ts';
import { createKeystone } from '#keystone/keystone.ts';
import type { Keystone } from '#keystone/ports.ts';
import type { KeyValue } from '#lib/key-value.ts';
import { openNotifier } from '#notifier/open-notifier.ts';
import { openPolicy } from '#policy/policy.ts';
import { openPropertyProtections } from '#policy/property-protections.ts';
import { publishNodeFile } from './node-facts.ts';
import { openArrivals } from './open-arrivals.ts';
import { openKeyManager } from './open-key-manager.ts';
import { openQuota } from './open-quota.ts';
import { openSignatures } from './open-signatures.ts';
import { openTasks } from './open-tasks.ts';
import type { Surroundings } from './surroundings.ts';

interface Floor {
	readonly db: KeyValue;
	readonly catalogue: LocalCatalogue;
	readonly content: ImageData & { file(root: string): string | undefined };
	/** absent: none is offered */
	readonly cache: ImageCache | undefined;
	readonly site: string;
	/** peer id of this very node */
	readonly node: string;
	/** the backends of this node */
	readonly stores: ImageStores;
	readonly objects: ImageObjects;
	readonly health: Health;
	readonly admin: AdminDesk;
	readonly deleted: DeletedImages;
}

/** Resolves when clients are answered. `notes` are what an operator should read once. */
export async function openClientsDoor(
	around: Surroundings,
	floor: Floor,
): Promise<{ readonly http: string; readonly notes: readonly string[] }> {
	const { config, log, stack } = around;
	const { site, node, catalogue, content, stores, objects, health, admin, deleted } = floor;
	await recoverInterrupted({ catalogue, site, node });
	const keystone = openKeystone(around);
	const { identity, notes } = await openIdentity(around, keystone);
	const policy = stack.use(await openPolicy({ ...config.policy, log }));
	const quota = openQuota(around, catalogue, keystone);
	const api = await apiOptions(config.api, config);
	const keyManager = openKeyManager(around, keystone);
	const looking = openArrivals(around, openSignatures(around, keyManager));
	const keys = keyManager && config.barbican && createEncryptionKeys({ ...config.barbican, keyManager });
	const app = createApp({
		...(await openControllers(around, floor, { policy, quota, api, arrivals: looking.arrivals, keystone, keys })),
		usage: quota,
		locationsOf: locationsFor(policy, stores),
		identity,
		isAdmin: (ctx) => policy.allows(ctx, 'context_is_admin', {}),
		health,
		admin,
		deleted,
		adopter: createAdopter({ ...looking, catalogue, data: content, stores, objects, site, hashAlgorithm: config.hashAlgorithm }),
		log,
		api,
	});
	const server = await startHttpServer({ app, ...config.listen, log });
	stack.defer(() => server.close(config.shutdownGraceMs));
	stack.use(await publishNodeFile(config.dataDir, { http: server.url }));
	return { http: server.url, notes };
}

interface Rulings {
	readonly policy: Awaited<ReturnType<typeof openPolicy>>;
	readonly quota: Quota;
	readonly api: Partial<ApiOptions>;
	readonly arrivals: Arrivals;
	readonly keystone: ReturnType<typeof openKeystone>;
	readonly keys: EncryptionKeys | undefined;
}

/** Who may do what with what, and who is told of it. */
async function openControllers(
	around: Surroundings,
	{ db, catalogue, content, stores, objects, cache, site, node }: Floor,
	{ policy, quota, api, arrivals, keystone, keys }: Rulings,
) {
	const { config, log, stack } = around;
	const { propertyProtections, hashAlgorithm } = config;
	const protections = propertyProtections && (await openPropertyProtections({ ...propertyProtections, policy, log }));
	const notifier = stack.use(await openNotifier({ options: config.notifications, kv: db.sub('outbox/'), log, clock: Date.now }));
	const shared = { catalogue, policy, notifier, clock: Date.now };
	const images = buildImageController({
		...shared,
		data: content,
		stores,
		objects,
		delayedDelete: config.delayedDelete !== undefined,
		arrivals,
		quota,
		hashAlgorithm,
		site,
		sitesShown: config.api.showSites,
		log,
		...(keys && { keys }),
		...(protections && { protections }),
		...(cache && { cache }),
	});
	return {
		images,
		metadefs: buildMetadefController(shared),
		stores: buildStoreController({ stores, nodes: () => catalogue.nodes(), site, policy }),
		...(await openTasks(around, { ...shared, db, site, node, images, stores, content, keystone, parseDraft: draftParser(api) })),
		cache: buildCacheController({ ...shared, cache }),
		olderCache: buildCacheController({ ...shared, cache }, 'single'),
	};
}

function openKeystone({ config, log, stack }: Surroundings) {
	return config.keystone && stack.use(createKeystone({ ...config.keystone, clock: Date.now, log }));
}

interface OpenIdentity {
	readonly identity: Identity;
	readonly notes: readonly string[];
}

async function openIdentity({ config, log }: Surroundings, keystone: Keystone | undefined): Promise<OpenIdentity> {
	const { mode, anonymousRead, trustedProxies: trusted } = config.auth;
	if (mode === 'none') return { identity: identities.none(), notes: [] };
	const { adminToken, made, path } = await openAdminToken(config);
	if (mode === 'token') {
		const notes = made ? [`admin token (said once, kept in ${path}): ${adminToken}`] : [];
		return { identity: identities.token({ adminToken }), notes };
	}
	if (mode === 'proxy') {
		const publicUrl = config.keystone?.publicUrl;
		const others = identities.proxy({ trusted, anonymousRead, ...(publicUrl !== undefined && { publicUrl }) });
		return { identity: withOperator({ adminToken, others }), notes: [] };
	}
	if (keystone === undefined || config.keystone === undefined) throw new TypeError('keystone is not configured');
	const others = identities.keystone({ ...config.keystone, keystone, anonymousRead, clock: Date.now, log });
	return { identity: withOperator({ adminToken, others }), notes: [] };
}

/** The operator's own, by which the CLI speaks to the node. */
async function openAdminToken({ auth, dataDir }: Config) {
	const path = join(dataDir, 'admin-token');
	const known = auth.adminToken ?? (await readPrivateFile(path))?.trim();
	if (known !== undefined) return { adminToken: known, made: false, path };
	const adminToken = randomBytes(24).toString('base64url');
	await writePrivateFileOnce(path, `${adminToken}\n`);
	return { adminToken, made: true, path };
}

async function apiOptions(
	{ schemaFile, cors, showSites, ...api }: ApiConfig,
	{ cache, stores }: Config,
): Promise<Partial<ApiOptions>> {
	const several = showSites ? 'backends and sites' : 'backends';
	return {
		...api,
		...(cors && { cors }),
		...(schemaFile !== undefined && { customProperties: await readSchema(schemaFile) }),
		caching: cache !== undefined,
		storesShown: stores.multi ? several : 'none',
	};
}

async function readSchema(path: string): Promise<ApiOptions['customProperties']> {
	try {
		return await readSchemaFile(path);
	} catch (cause) {
		throw new ConfigError(cause instanceof Error ? cause.message : String(cause), { cause });
	}
}
