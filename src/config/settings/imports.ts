/** Where images may be fetched from: Glance's import filter. Of a pair of lists, only what is allowed counts when both are given. */
import type { Config } from '../config.ts';
import { parseAnyWords, parseCount } from '../parse-values.ts';
import { many, type Values } from './setting.ts';

const parsePort = parseCount({ min: 1, max: 65_535 });
const parsePorts = (texts: readonly string[]): readonly number[] => texts.map(parsePort);

export const importSettings = {
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

type Said = Values<typeof importSettings>;

export function importsOf(said: Said): Config['imports'] {
	const names = Object.keys(importSettings) as (keyof typeof importSettings)[];
	const filtering = Object.fromEntries(names.filter((name) => said[name] !== undefined).map((name) => [name, said[name]]));
	return { filtering };
}
