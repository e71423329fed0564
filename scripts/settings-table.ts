/** The table of settings in docs/operating.md, from the code that reads them: prints it, or `--write`, `--check`. */
import { CONFIG_FILE, GLANCE_FILES, SETTING_NAMES, SETTINGS, STORES } from '#config/settings.ts';
import { publish } from './docs/marked-block.ts';

const code = (text: string | undefined) => (text === undefined ? '–' : `\`${text.replaceAll('|', '\\|')}\``);

const rows = SETTING_NAMES.map((name) => {
	const setting = SETTINGS[name];
	const flag = 'flag' in setting ? setting.flag : undefined;
	return [code(setting.env), code(setting.key), code(flag), code(setting.hint), setting.help, setting.byDefault];
});
const table = [
	['variable', 'key in the file', 'flag', 'form', 'meaning', 'default'],
	['---', '---', '---', '---', '---', '---'],
	...rows,
	[code(STORES.env), code('stores.ID.type'), '–', code(STORES.hint), STORES.help, STORES.byDefault],
	...[CONFIG_FILE, GLANCE_FILES].map(({ env, flag, hint, help, byDefault }) => [
		code(env),
		'–',
		code(flag),
		code(hint),
		help,
		byDefault,
	]),
].map((cells) => `| ${cells.join(' | ')} |`);

publish('docs/operating.md', 'settings', table.join('\n'), process.argv[2]);
