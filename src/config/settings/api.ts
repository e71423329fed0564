/** What the REST API shows, takes and tells other machines. */
import type { ApiConfig, CorsConfig } from '../config.ts';
import { parseBaseUrl, parsePath } from '../parse.ts';
import { parseAnyWords, parseBoolean, parseCount, parseWords } from '../parse-values.ts';
import { many, one, type Refuse, type Values } from './setting.ts';

const DISK_FORMATS = ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'];
const CONTAINER_FORMATS = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'];
const CORS_METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH'];
/** As Glance sets them for the clients that came before us. */
const CORS_ALLOWED = [
	'Content-MD5',
	'X-Image-Meta-Checksum',
	'X-Storage-Token',
	'Accept-Encoding',
	'X-Auth-Token',
	'X-Identity-Status',
	'X-Roles',
	'X-Service-Catalog',
	'X-User-Id',
	'X-Tenant-Id',
	'X-OpenStack-Request-ID',
];
const CORS_EXPOSED = ['X-Image-Meta-Checksum', 'X-Auth-Token', 'X-Subject-Token', 'X-Service-Token', 'X-OpenStack-Request-ID'];

export const apiSettings = {
	apiPublicEndpoint: one(
		{ key: 'api.public_endpoint', hint: 'URL', help: 'what links in answers begin with', byDefault: 'what the client called' },
		parseBaseUrl,
	),
	apiDefaultLimit: one(
		{ key: 'api.default_limit', hint: 'count', help: 'rows of a list when the client names no number', byDefault: '25' },
		parseCount({ min: 1 }),
	),
	apiMaxLimit: one(
		{ key: 'api.max_limit', hint: 'count', help: 'the most rows of a list', byDefault: '1000' },
		parseCount({ min: 1 }),
	),
	apiDiskFormats: many(
		{ key: 'api.disk_formats', hint: 'format,…', help: 'what disk_format may be', byDefault: DISK_FORMATS.join(', ') },
		parseWords,
	),
	apiContainerFormats: many(
		{
			key: 'api.container_formats',
			hint: 'format,…',
			help: 'what container_format may be',
			byDefault: CONTAINER_FORMATS.join(', '),
		},
		parseWords,
	),
	apiAdditionalProperties: one(
		{
			key: 'api.additional_properties',
			hint: 'true|false',
			help: 'images may have properties that the image schema does not name',
			byDefault: 'true',
		},
		parseBoolean,
	),
	apiSchemaFile: one(
		{
			key: 'api.schema_file',
			hint: 'file',
			help: "custom properties of the image schema, as Glance's schema-image.json",
			byDefault: 'those that Glance ships with',
		},
		parsePath,
	),
	apiRefuseAstral: one(
		{
			key: 'api.refuse_astral',
			hint: 'true|false',
			help: 'characters beyond U+FFFF are refused, as Glance does',
			byDefault: 'false',
		},
		parseBoolean,
	),
	apiMaxRequestIdLength: one(
		{ key: 'api.max_request_id_length', hint: 'count', help: 'characters of X-OpenStack-Request-ID', byDefault: '64' },
		parseCount({ max: 16_384 }),
	),
	apiProxyHeaders: one(
		{ key: 'api.proxy_headers', hint: 'true|false', help: 'Forwarded and X-Forwarded-* are believed', byDefault: 'false' },
		parseBoolean,
	),
	apiHealthDisableFile: one(
		{ key: 'api.health_disable_file', hint: 'file', help: 'while it is there, /healthcheck answers 503', byDefault: 'none' },
		parsePath,
	),
	apiShowDirectUrl: one(
		{ key: 'api.show_direct_url', hint: 'true|false', help: 'images show their direct_url', byDefault: 'false' },
		parseBoolean,
	),
	apiShowSites: one(
		{
			key: 'api.show_sites',
			hint: 'true|false',
			help: 'sites are among the stores that clients see and name',
			byDefault: 'true; with a Glance file, false',
		},
		parseBoolean,
	),
	apiShowMultipleLocations: one(
		{
			key: 'api.show_multiple_locations',
			hint: 'true|false',
			help: 'images show their locations to whom the rule get_image_location lets know',
			byDefault: 'false',
		},
		parseBoolean,
	),
	corsOrigins: many(
		{
			key: 'cors.origins',
			hint: 'origin,…',
			help: 'pages that may call the API from a browser; * is every page',
			byDefault: 'none',
		},
		parseOrigins,
	),
	corsMethods: many(
		{ key: 'cors.methods', hint: 'method,…', help: 'what such pages may do', byDefault: CORS_METHODS.join(', ') },
		parseHeaderWords,
	),
	corsAllowHeaders: many(
		{ key: 'cors.allow_headers', hint: 'header,…', help: 'what they may send', byDefault: "Glance's" },
		parseHeaderWords,
	),
	corsExposeHeaders: many(
		{ key: 'cors.expose_headers', hint: 'header,…', help: 'what they may read of an answer', byDefault: "Glance's" },
		parseHeaderWords,
	),
	corsMaxAge: one(
		{ key: 'cors.max_age', hint: 'seconds', help: 'how long a browser remembers that', byDefault: '3600' },
		parseCount({ max: 86_400 * 365 }),
	),
	corsCredentials: one(
		{
			key: 'cors.credentials',
			hint: 'true|false',
			help: 'requests with cookies or HTTP authentication are allowed',
			byDefault: 'true',
		},
		parseBoolean,
	),
} as const;

type Said = Values<typeof apiSettings>;

export function apiOf(values: Said, refuse: Refuse<typeof apiSettings>): ApiConfig {
	const { apiPublicEndpoint: publicEndpoint, apiSchemaFile: schemaFile, apiHealthDisableFile: healthDisableFile } = values;
	const cors = corsOf(values);
	const maxLimit = values.apiMaxLimit ?? 1000;
	const { apiDefaultLimit = Math.min(25, maxLimit) } = values;
	if (apiDefaultLimit > maxLimit) refuse('apiDefaultLimit', `${apiDefaultLimit} rows are more than the most, ${maxLimit}`);
	return {
		...(publicEndpoint !== undefined && { publicEndpoint }),
		defaultLimit: apiDefaultLimit,
		maxLimit,
		diskFormats: values.apiDiskFormats ?? DISK_FORMATS,
		containerFormats: values.apiContainerFormats ?? CONTAINER_FORMATS,
		additionalProperties: values.apiAdditionalProperties ?? true,
		...(schemaFile !== undefined && { schemaFile }),
		refuseAstral: values.apiRefuseAstral ?? false,
		maxRequestIdLength: values.apiMaxRequestIdLength ?? 64,
		proxyHeaders: values.apiProxyHeaders ?? false,
		...(cors !== undefined && { cors }),
		...(healthDisableFile !== undefined && { healthDisableFile }),
		showDirectUrl: values.apiShowDirectUrl ?? false,
		showMultipleLocations: values.apiShowMultipleLocations ?? false,
		showSites: values.apiShowSites ?? true,
	};
}

function corsOf(values: Said): CorsConfig | undefined {
	const { corsOrigins: origins = [] } = values;
	if (origins.length === 0) return undefined;
	return {
		origins,
		methods: values.corsMethods ?? CORS_METHODS,
		allowHeaders: values.corsAllowHeaders ?? CORS_ALLOWED,
		exposeHeaders: values.corsExposeHeaders ?? CORS_EXPOSED,
		maxAgeSeconds: values.corsMaxAge ?? 3600,
		credentials: values.corsCredentials ?? true,
	};
}

/** As a browser sends it: scheme, host and port, nothing behind. */
function parseOrigins(texts: readonly string[]): readonly string[] {
	for (const text of texts)
		if (text !== '*' && URL.parse(text)?.origin !== text.replace(/:(80|443)$/, ''))
			throw new Error(`"${text}" is not an origin such as https://horizon.example.org`);
	return texts;
}

/** They go into headers of answers. */
function parseHeaderWords(texts: readonly string[]): readonly string[] {
	for (const text of texts) if (!/^[\w!#$%&'*+.^`|~-]+$/.test(text)) throw new Error(`"${text}" is not a name for HTTP`);
	return parseAnyWords(texts);
}
