/**
 * The clients' door: Image API v2 and a few routes for operators. It turns requests into verbs and values into bytes;
 * it decides nothing, and knows neither records nor blocks.
 */
import { Hono } from 'hono';
import type { Adopter } from '#domain/adoption.ts';
import type { CacheController } from '#domain/cache/controller.ts';
import type { RequestContext } from '#domain/context.ts';
import type { ImageController } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import type { ImageDraft } from '#domain/image.ts';
import type { ImportController } from '#domain/imports/controller.ts';
import type { LocationController } from '#domain/imports/locations.ts';
import type { LocationsOf } from '#domain/locations.ts';
import type { MetadefController } from '#domain/metadefs/controller.ts';
import type { Quota } from '#domain/ports/quota.ts';
import type { StoreController } from '#domain/stores/controller.ts';
import type { TaskController } from '#domain/tasks/controller.ts';
import type { Identity } from '#identity/ports.ts';
import type { Log } from '#lib/log.ts';
import { adoptionRoutes } from './admin/adoption.ts';
import { deletedRoutes } from './admin/deleted.ts';
import { deskRoutes } from './admin/desk.ts';
import { healthRoutes } from './admin/health.ts';
import { type ApiOptions, DEFAULT_API } from './api-options.ts';
import { answerEarly, type DrainLimits } from './early-answer.ts';
import type { AppContext, AppEnv } from './env.ts';
import { accessLog } from './middleware/access-log.ts';
import { cors } from './middleware/cors.ts';
import { identify } from './middleware/identity.ts';
import { requestId } from './middleware/request-id.ts';
import { sameOrigin } from './middleware/same-origin.ts';
import { createVersions, toVersionRoot } from './middleware/versions.ts';
import type { AdminDesk, DeletedImages, Health } from './ports.ts';
import { problem, problemText } from './problems.ts';
import { publicUrlOf } from './public-url.ts';
import { installRoutes, type Route } from './route.ts';
import { actionRoutes } from './v2/actions.ts';
import { cacheRoutes } from './v2/cache.ts';
import { type DataLimits, imageDataRoutes } from './v2/image-data.ts';
import { imageRoutes } from './v2/images.ts';
import { importRoutes } from './v2/imports.ts';
import { infoRoutes } from './v2/info.ts';
import { locationRoutes } from './v2/locations.ts';
import { memberRoutes } from './v2/members.ts';
import { metadefRoutes } from './v2/metadefs/routes.ts';
import { schemaRoutes } from './v2/schemas.ts';
import { shownStores, storeRoutes } from './v2/stores.ts';
import { tagRoutes } from './v2/tags.ts';
import { taskRoutes } from './v2/tasks.ts';
import { parseImageDraft } from './wire/image-draft.ts';
import type { ImageRules } from './wire/image-rules.ts';

export interface AppParts {
	readonly images: ImageController;
	readonly metadefs: MetadefController;
	readonly tasks: TaskController;
	readonly imports: ImportController;
	readonly locations: LocationController;
	readonly stores: StoreController;
	readonly cache: CacheController;
	/** the cache behind Glance's older, single rule */
	readonly olderCache: CacheController;
	readonly identity: Identity;
	/** what the rule `context_is_admin` says of a caller */
	readonly isAdmin: (ctx: RequestContext) => boolean;
	/** what projects use of what they may */
	readonly usage: Pick<Quota, 'report'>;
	readonly health: Health;
	readonly admin: AdminDesk;
	readonly adopter: Adopter;
	readonly deleted: DeletedImages;
	readonly log: Log;
	/** what an operator chose; the rest is Glance's default */
	readonly api?: Partial<ApiOptions>;
	/** where an image's bytes are, for operators who show it; absent: nobody is told */
	readonly locationsOf?: LocationsOf;
	readonly limits?: DataLimits & { readonly drain?: DrainLimits };
}

export function createApp(parts: AppParts): Hono<AppEnv> {
	const { identity, isAdmin, log, limits = {} } = parts;
	const api = { ...DEFAULT_API, ...parts.api };
	const publicUrl = publicUrlOf(api);
	const versions = createVersions(api);
	const choices = versions.document(300, publicUrl);

	const app = new Hono<AppEnv>({
		getPath: (request, options) =>
			versions.routePath(options?.env?.incoming.url ?? request.url, request.headers.get('accept') ?? undefined),
	});
	app.onError((error, c) => {
		if (!(error instanceof ImageError)) log.error({ err: error, request: c.var.requestId }, 'request failed');
		return problem(c, error);
	});
	app.notFound((c) => (versions.namesKnownApi(c.req.path) ? nothingThere(c) : choices(c)));

	app.use(accessLog(log), answerEarly(limits.drain), requestId(api.maxRequestIdLength), cors(api.cors));
	app.use(sameOrigin(api.cors, publicUrl));
	app.use('/v2/*', identify(identity, isAdmin));
	app.use('/admin/*', identify(identity, isAdmin));
	app.all('/versions/*', versions.document(200, publicUrl));
	app.all('/v2', toVersionRoot(publicUrl));
	installRoutes(app, apiRoutes(parts));
	return app;
}

/** Everything that can be asked for once it is clear which API is spoken. */
export function apiRoutes(parts: AppParts): readonly Route[] {
	const {
		images,
		metadefs,
		imports,
		locations,
		tasks,
		stores,
		usage,
		health,
		admin,
		adopter,
		deleted,
		log,
		limits = {},
		locationsOf = () => [],
	} = parts;
	const api = { ...DEFAULT_API, ...parts.api };
	const publicUrl = publicUrlOf(api);
	const rules = rulesOf(api);
	const storeIds = () => shownStores(stores, rules.storesShown).map(({ id }) => id);
	return [
		...healthRoutes(health, api.healthDisableFile === undefined ? {} : { disableFile: api.healthDisableFile }),
		...imageRoutes({ images, importMethods: imports.methods, storeIds, rules, locationsOf, pages: api, publicUrl }),
		...imageDataRoutes(images, { ...rules, stages: imports.methods.includes('glance-direct') }, limits),
		...tagRoutes(images, rules),
		...actionRoutes(images),
		...memberRoutes(images, rules),
		...metadefRoutes({ metadefs, pages: api, refuseAstral: rules.refuseAstral, publicUrl }),
		...importRoutes(imports, rules),
		...locationRoutes(images, locations),
		...taskRoutes({ tasks, images, pages: api, publicUrl }),
		...cacheRoutes(parts),
		...schemaRoutes(rules),
		...infoRoutes(usage),
		...storeRoutes({ stores, images, shown: rules.storesShown }),
		...deskRoutes(admin),
		...adoptionRoutes(adopter, log),
		...deletedRoutes(deleted, log),
	];
}

/** By the rules of the body of "Create image": for whoever makes images of what a client sent elsewhere. */
export function draftParser(api: Partial<ApiOptions>): (properties: unknown) => ImageDraft {
	const rules = rulesOf({ ...DEFAULT_API, ...api });
	return (properties) => parseImageDraft(properties, rules);
}

function rulesOf({ diskFormats, containerFormats, customProperties, ...api }: ApiOptions): ImageRules {
	return { ...api, formats: { disk: diskFormats, container: containerFormats }, custom: customProperties };
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

function nothingThere(c: AppContext): Response {
	const method = c.env.incoming.method ?? '';
	return METHODS.has(method)
		? problemText(c, 404, 'the resource could not be found')
		: problemText(c, 501, `the method ${method} is not implemented by this server`);
}
