/** A way of getting the bytes of an import that are neither staged by the client nor the image's own already. */
import type { RequestContext } from '#domain/context.ts';
import type { Image, ImageChange } from '#domain/image.ts';
import type { ImportMethod } from '#domain/import-request.ts';

export interface FetchMethod<Method extends ImportMethod = ImportMethod> {
	/**
	 * While the request is still there: `invalid` for what is never fetched. Resolves to what else stands against it, which
	 * the task will fail with: as Glance, that learns it only then.
	 */
	check(ctx: RequestContext, method: Method): Promise<string | undefined>;
	/** In a task. Resolves when the first byte can be asked for; disposal ends the connection. */
	open(ctx: RequestContext, method: Method, image: Image): Promise<Fetched>;
}

export interface Fetched extends Disposable {
	/** read once */
	readonly data: AsyncIterable<Uint8Array>;
	/** bytes, when they are known before; a different count fails */
	readonly size?: number;
	/** what the image learns with its bytes */
	readonly changes?: readonly ImageChange[];
	/** what all bytes together must be: Node's name of a digest, and hex */
	readonly digest?: { readonly algorithm: string; readonly value: string };
}
