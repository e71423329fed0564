/** What a person reads when a node is up: where it is, and the two things to try first. */
import type { Config } from '#config/config.ts';
import type { RunningNode } from './start-node.ts';
import { version } from './version.ts';

/** `command`: how this person calls the CLI. */
export function banner(node: RunningNode, config: Config, command: string): string {
	const facts = [['REST', node.http], ...node.peer.map((address) => ['peers', address]), ['data', node.dataDir]].map(
		([name = '', value = '']) => `  ${name.padEnd(6)} ${value}`,
	);
	const notes = node.notes.map((note) => `  ${note}`);
	return [`Sundog ${version()} serves site ${node.site}`, ...facts, ...notes, '', ...firstSteps(node, config, command)].join(
		'\n',
	);
}

function firstSteps(node: RunningNode, { auth }: Config, command: string): readonly string[] {
	const credentials =
		auth.mode === 'none' ? '--os-auth-type none' : '--os-auth-type admin_token --os-token "$SUNDOG_ADMIN_TOKEN"';
	const [peer = ''] = node.peer;
	return [
		'  First image:',
		`    openstack ${credentials} --os-endpoint ${node.http} image create --disk-format qcow2 --container-format bare --file debian.qcow2 debian`,
		'  Second site (the token is good for one node):',
		`    SUNDOG_SITE=paris SUNDOG_BOOTSTRAP=${peer} SUNDOG_JOIN=$(${command} fleet invite --site paris) SUNDOG_LISTEN=127.0.0.1:9293 SUNDOG_DATA_DIR=$HOME/sundog-paris ${start(command)}`,
	];
}

function start(command: string): string {
	return command.startsWith('npm ') ? 'npm start' : command;
}
