/** What an operator may choose of the API; everything has Glance's default. */
import { type CorsOptions, DEFAULT_CORS } from './middleware/cors.ts';
import { type CustomProperties, SHIPPED_PROPERTIES } from './wire/custom-properties.ts';
import { DEFAULT_PAGES } from './wire/filters.ts';
import { DEFAULT_FORMATS } from './wire/formats.ts';
import type { StoresShown } from './wire/image-rules.ts';

export interface ApiOptions {
	/** what clients call this service; absent: what each request says */
	readonly publicEndpoint?: string;
	/** images on a page when the client does not say, and at most */
	readonly defaultLimit: number;
	readonly maxLimit: number;
	readonly diskFormats: readonly string[];
	readonly containerFormats: readonly string[];
	/** properties that the schema names; `readSchemaFile` makes them of schema-image.json */
	readonly customProperties: CustomProperties;
	/** properties that the schema does not name are allowed */
	readonly additionalProperties: boolean;
	/** code points above U+FFFF are refused, as Glance refuses them for MySQL's sake */
	readonly refuseAstral: boolean;
	/** 0: any length */
	readonly maxRequestIdLength: number;
	/** a proxy stands before this node, and its X-Forwarded-* and Forwarded headers are believed */
	readonly proxyHeaders: boolean;
	readonly cors: CorsOptions;
	readonly healthDisableFile?: string;
	readonly showDirectUrl: boolean;
	readonly showMultipleLocations: boolean;
	readonly storesShown: StoresShown;
	/** this node has the cache API: 2.14, 2.16 and 2.18 are among the versions */
	readonly caching: boolean;
}

export const DEFAULT_API: ApiOptions = {
	...DEFAULT_PAGES,
	diskFormats: DEFAULT_FORMATS.disk,
	containerFormats: DEFAULT_FORMATS.container,
	customProperties: SHIPPED_PROPERTIES,
	additionalProperties: true,
	refuseAstral: false,
	maxRequestIdLength: 64,
	proxyHeaders: false,
	cors: DEFAULT_CORS,
	showDirectUrl: false,
	showMultipleLocations: false,
	storesShown: 'backends and sites',
	caching: false,
};
