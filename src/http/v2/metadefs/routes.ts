/** Image API v2, "Metadata definitions": one file a resource, and what they share. */
import { jsonBody } from '#http/json-body.ts';
import type { Route } from '#http/route.ts';
import { refuseAstral } from '#http/wire/texts.ts';
import { type NamespaceRouteParts, namespaceRoutes } from './namespaces.ts';
import { objectRoutes } from './objects.ts';
import { propertyRoutes } from './properties.ts';
import type { ReadBody } from './requests.ts';
import { resourceTypeRoutes } from './resource-types.ts';
import { metadefTagRoutes } from './tags.ts';

export interface MetadefRouteParts extends NamespaceRouteParts {
	/** Glance's answer to characters beyond the basic plane */
	readonly refuseAstral: boolean;
}

export function metadefRoutes(parts: MetadefRouteParts): readonly Route[] {
	const read = readerOf(parts);
	return [
		...namespaceRoutes(parts, read),
		...propertyRoutes(parts.metadefs, read),
		...objectRoutes(parts.metadefs, read),
		...metadefTagRoutes(parts.metadefs, read),
		...resourceTypeRoutes(parts.metadefs, read),
	];
}

function readerOf(parts: MetadefRouteParts): ReadBody {
	return async (c, maxBytes) => {
		const body = await jsonBody(c, maxBytes);
		if (parts.refuseAstral) refuseAstral(body);
		return body;
	};
}
