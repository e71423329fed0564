/** The flags of every command that reads settings, made from the table of settings. */
import type { Command } from 'commander';
import type { Config } from '#config/config.ts';
import { type ConfigSources, type Inspection, inspectConfig } from '#config/load.ts';
import { CONFIG_FILE, GLANCE_FILES, SETTING_NAMES, SETTINGS } from '#config/settings.ts';
import type { Terminal } from './terminal.ts';

type Flags = NonNullable<ConfigSources['flags']>;

/** The settings that a client command needs to find a node. */
export const FINDING_A_NODE = ['dataDir', 'listen'] as const;

export function addSettingFlags(command: Command, names: readonly (typeof SETTING_NAMES)[number][] = SETTING_NAMES): Command {
	for (const { flag, hint, help, env } of [CONFIG_FILE, GLANCE_FILES]) command.option(`${flag} <${hint}>`, `${help} (${env})`);
	for (const name of names) {
		const setting = SETTINGS[name];
		if ('flag' in setting) command.option(`${setting.flag} <${setting.hint}>`, `${setting.help} (${setting.env})`);
	}
	return command;
}

/** `loud`: warnings about unknown variables are said; once per life of a node is enough. */
export function configFrom(terminal: Terminal, options: Readonly<Record<string, string>>, loud: 'loud' | 'quiet'): Config {
	return inspectionFrom(terminal, options, loud).config;
}

export function inspectionFrom(
	terminal: Terminal,
	options: Readonly<Record<string, string>>,
	loud: 'loud' | 'quiet',
): Inspection {
	const warn = (line: string) => terminal.say(`sundog: warning: ${line}`);
	return inspectConfig({ env: terminal.env, flags: flagsFrom(options), ...(loud === 'loud' ? { warn } : {}) });
}

/** Did anybody say where the node listens? The default address may be another node's. A file of Glance always says it. */
export function namesListener({ env }: Terminal, options: Readonly<Record<string, string>>): boolean {
	const said = [options.listen, options.glanceConfig, env[SETTINGS.listen.env], env[GLANCE_FILES.env]];
	return said.some((text) => text !== undefined && text !== '');
}

function flagsFrom(options: Readonly<Record<string, string>>): Flags {
	const flags: Partial<Record<keyof Flags, string>> = {};
	if (options.config !== undefined) flags.config = options.config;
	if (options.glanceConfig !== undefined) flags.glanceConfig = options.glanceConfig;
	for (const name of SETTING_NAMES) {
		const setting = SETTINGS[name];
		const text = 'flag' in setting ? options[camelCase(setting.flag)] : undefined;
		if (text !== undefined) flags[name] = text;
	}
	return flags;
}

/** As commander names the option of a flag. */
function camelCase(flag: string): string {
	return flag.slice(2).replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}
