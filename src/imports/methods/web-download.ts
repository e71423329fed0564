/** `web-download`: bytes at a URL that the client names. Image API v2, "Import an image". */
import type { ImportMethod } from '#domain/import-request.ts';
import type { WebSource } from '#imports/web-source.ts';
import type { FetchMethod } from './method.ts';

type WebDownload = Extract<ImportMethod, { readonly name: 'web-download' }>;

export function webDownload(web: WebSource): FetchMethod<WebDownload> {
	return {
		async check({ signal }, { uri }) {
			await web.check(uri, { signal });
			return undefined;
		},
		async open({ signal }, { uri }) {
			const body = await web.open(uri, { signal });
			const { size, data } = body;
			return { data, ...(size !== undefined && { size }), [Symbol.dispose]: () => body[Symbol.dispose]() };
		},
	};
}
