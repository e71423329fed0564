/** The register of import methods that fetch: one file and one line each. */
import type { RequestContext } from '#domain/context.ts';
import type { ImportMethod, ImportRequest } from '#domain/import-request.ts';
import type { WebSource } from '#imports/web-source.ts';
import { type GlanceDownloadOptions, glanceDownload } from './glance-download.ts';
import type { FetchMethod } from './method.ts';
import { webDownload } from './web-download.ts';

export interface FetchMethodsOptions extends Omit<GlanceDownloadOptions, 'web'> {
	readonly web: WebSource;
	/** the same filter, and no redirects */
	readonly plainWeb: WebSource;
}

export interface FetchMethods {
	/** of a method that fetches nothing: undefined */
	of(method: ImportMethod): FetchMethod | undefined;
	/** As `FetchMethod.check`; of a method that fetches nothing: nothing stands against it. */
	check(ctx: RequestContext, request: ImportRequest): Promise<string | undefined>;
}

export function fetchMethods({ web, plainWeb, ...glance }: FetchMethodsOptions): FetchMethods {
	const methods: Readonly<Partial<Record<ImportMethod['name'], FetchMethod>>> = {
		'web-download': webDownload(web) as FetchMethod,
		'glance-download': glanceDownload({ ...glance, web: plainWeb }) as FetchMethod,
	};
	return {
		of: ({ name }) => methods[name],
		check: async (ctx, { method }) => methods[method.name]?.check(ctx, method),
	};
}
