/**
 * Imports. Where images may be fetched from is Glance's import filter: of a pair of lists, only what is allowed counts when
 * both are given. What becomes of them is the plugins' part.
 */
import { TiB } from '#lib/sizes.ts';
import { CONVERSION_FORMATS, type Config, IMPORT_METHODS, IMPORT_PLUGINS } from '../config.ts';
import { parseAnyWords, parseBytes, parseCount, parseOneOf, parseWord } from '../parse-values.ts';
import { many, one, type Values } from './setting.ts';

const parsePort = parseCount({ min: 1, max: 65_535 });
const parsePorts = (texts: readonly string[]): readonly number[] => texts.map(parsePort);

const filterSettings = {
	allowedSchemes: many(
		{ key: 'import.allowed_schemes', hint: 'scheme,…', help: 'what URLs to fetch from may begin with', byDefault: 'http, https' },
		parseAnyWords,
	),
	disallowedSchemes: many(
		{ key: 'import.disallowed_schemes', hint: 'scheme,…', help: 'what they may not begin with', byDefault: 'none' },
		parseAnyWords,
	),
	allowedHosts: many(
		{
			key: 'import.allowed_hosts',
			hint: 'host,…',
			help: 'the hosts that may be fetched from, whatever their addresses: this very machine only if it is named here',
			byDefault: 'all',
		},
		parseAnyWords,
	),
	disallowedHosts: many(
		{ key: 'import.disallowed_hosts', hint: 'host,…', help: 'hosts that are not fetched from', byDefault: 'none' },
		parseAnyWords,
	),
	allowedPorts: many(
		{ key: 'import.allowed_ports', hint: 'port,…', help: 'the ports that may be fetched from', byDefault: '80, 443' },
		parsePorts,
	),
	disallowedPorts: many(
		{ key: 'import.disallowed_ports', hint: 'port,…', help: 'ports that are not fetched from', byDefault: 'none' },
		parsePorts,
	),
} as const;

export const importSettings = {
	...filterSettings,
	importPlugins: many(
		{
			key: 'import.plugins',
			hint: 'name,…',
			help: `what happens to imported images before they are stored, in this order: ${IMPORT_PLUGINS.join(', ')}`,
			byDefault: 'none',
		},
		(names) => names.map(parseOneOf(IMPORT_PLUGINS)),
	),
	importMethods: many(
		{
			key: 'import.methods',
			hint: 'method,…',
			help: `what clients may import by: ${IMPORT_METHODS.join(', ')}; or none`,
			byDefault: 'glance-direct, web-download, copy-image',
		},
		(names) => (names.join() === 'none' ? [] : names.map(parseOneOf(IMPORT_METHODS))),
	),
	importParallelStores: one(
		{ key: 'import.parallel_stores', hint: 'count', help: 'stores that one import fills at a time', byDefault: '1' },
		parseCount({ min: 1, max: 64 }),
	),
	importExtraProperties: many(
		{
			key: 'import.extra_properties',
			hint: 'prefix,…',
			help: 'what properties that come along from another region begin with',
			byDefault: 'hw_, trait:, os_distro, os_secure_boot, os_type',
		},
		parseAnyWords,
	),
	importConversionFormat: one(
		{
			key: 'import.conversion_format',
			hint: CONVERSION_FORMATS.join('|'),
			help: 'what `image_conversion` makes of disks',
			byDefault: 'raw',
		},
		parseOneOf(CONVERSION_FORMATS),
	),
	importInject: many(
		{ key: 'import.inject', hint: 'name:value,…', help: 'properties that `inject_image_metadata` sets', byDefault: 'none' },
		parsePairs,
	),
	importInjectIgnoreRoles: many(
		{
			key: 'import.inject_ignore_roles',
			hint: 'role,…',
			help: 'it leaves the images of callers with one of these roles alone',
			byDefault: 'admin',
		},
		parseAnyWords,
	),
	importMaxExpandedBytes: one(
		{
			key: 'import.max_expanded_size',
			hint: 'size',
			help: 'what an image may grow to when a plugin unpacks it, and the largest disk that is converted',
			byDefault: '1 TiB',
		},
		parseBytes,
	),
} as const;

function parsePairs(texts: readonly string[]): Readonly<Record<string, string>> {
	const pairs = texts.map((text): [string, string] => {
		const at = text.indexOf(':');
		if (at < 1) throw new Error(`"${text}" is not a property as name:value`);
		return [parseWord(text.slice(0, at)), text.slice(at + 1).trim()];
	});
	if (new Set(pairs.map(([name]) => name)).size < pairs.length) throw new Error('a property stands twice');
	return Object.fromEntries(pairs);
}

type Said = Values<typeof importSettings>;

export function importsOf(said: Said): Config['imports'] {
	const names = Object.keys(filterSettings) as (keyof typeof filterSettings)[];
	const filtering = Object.fromEntries(names.filter((name) => said[name] !== undefined).map((name) => [name, said[name]]));
	return {
		filtering,
		plugins: said.importPlugins ?? [],
		methods: said.importMethods ?? ['glance-direct', 'web-download', 'copy-image'],
		parallelStores: said.importParallelStores ?? 1,
		extraProperties: said.importExtraProperties ?? ['hw_', 'trait:', 'os_distro', 'os_secure_boot', 'os_type'],
		conversionFormat: said.importConversionFormat ?? 'raw',
		inject: said.importInject ?? {},
		injectIgnoreRoles: said.importInjectIgnoreRoles ?? ['admin'],
		maxExpandedBytes: said.importMaxExpandedBytes ?? TiB,
	};
}
