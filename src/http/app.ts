/**
 * The clients' door: Image API v2 and a few routes for operators. It turns requests into verbs and values into bytes;
 * it decides nothing, and knows neither records nor blocks.
 */
import { Hono } from 'hono';
import type { RequestContext } from '#domain/context.ts';
import type { ImageController } from '#domain/controller.ts';
import { ImageError } from '#domain/errors.ts';
import type { Identity } from '#identity/ports.ts';
import type { Log } from '#lib/log.ts';
import { deskRoutes } from './admin/desk.ts';
import { healthRoutes } from './admin/health.ts';
import { answerEarly, type DrainLimits } from './early-answer.ts';
import type { AppContext, AppEnv } from './env.ts';
import { accessLog } from './middleware/access-log.ts';
import { identify } from './middleware/identity.ts';
import { requestId } from './middleware/request-id.ts';
import { sameOrigin } from './middleware/same-origin.ts';
import { namesKnownApi, routePath, toVersionRoot, versionsDocument } from './middleware/versions.ts';
import type { AdminDesk, Health } from './ports.ts';
import { problem, problemText } from './problems.ts';
import { bodyless, installRoutes } from './route.ts';
import { actionRoutes } from './v2/actions.ts';
import { type DataLimits, imageDataRoutes } from './v2/image-data.ts';
import { imageRoutes } from './v2/images.ts';
import { memberRoutes } from './v2/members.ts';
import { schemaRoutes } from './v2/schemas.ts';
import { tagRoutes } from './v2/tags.ts';
import { DEFAULT_FORMATS, type ImageFormats } from './wire/formats.ts';

export interface AppParts {
	readonly images: ImageController;
	readonly identity: Identity;
	/** what the rule `context_is_admin` says of a caller */
	readonly isAdmin: (ctx: RequestContext) => boolean;
	readonly health: Health;
	readonly admin: AdminDesk;
	readonly log: Log;
	/** scheme and host that clients use, without a slash at the end; absent: what each request says in Host */
	readonly publicEndpoint?: string;
	/** absent: Glance's lists */
	readonly formats?: ImageFormats;
	readonly limits?: DataLimits & { readonly drain?: DrainLimits };
}

export function createApp(parts: AppParts): Hono<AppEnv> {
	const { images, identity, isAdmin, health, admin, log, publicEndpoint, formats = DEFAULT_FORMATS, limits = {} } = parts;
	const publicUrl = (c: AppContext) => publicEndpoint ?? new URL(c.req.url).origin;
	const choices = versionsDocument(300, publicUrl);

	const app = new Hono<AppEnv>({ getPath: routePath });
	app.onError((error, c) => {
		if (!(error instanceof ImageError)) log.error({ err: error, request: c.var.requestId }, 'request failed');
		return problem(c, error);
	});
	app.notFound((c) => (namesKnownApi(c.req.path) ? problemText(c, 404, 'the resource could not be found') : choices(c)));

	app.use(accessLog(log), answerEarly(limits.drain), requestId, sameOrigin);
	app.use('/v2/*', identify(identity, isAdmin));
	app.use('/admin/*', identify(identity, isAdmin));
	installRoutes(app, [
		{ path: '/', methods: { GET: choices } },
		{ path: '/versions', methods: { GET: bodyless(versionsDocument(200, publicUrl)) } },
		{ path: '/versions/', methods: { GET: bodyless(versionsDocument(200, publicUrl)) } },
		...healthRoutes(health),
		{ path: '/v2', methods: { GET: toVersionRoot(publicUrl) } },
		...imageRoutes({ images, formats, publicUrl }),
		...imageDataRoutes(images, limits),
		...tagRoutes(images),
		...actionRoutes(images),
		...memberRoutes(images),
		...schemaRoutes(formats),
		...deskRoutes(admin),
	]);
	return app;
}
