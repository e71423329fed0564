/** What a person reads when a node is up: where it is, and the two things to try first. */
import { join } from 'node:path';
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

function firstSteps(node: RunningNode, { auth, bootstrap }: Config, command: string): readonly string[] {
	const steps = ['  First image:', `    openstack ${credentials(node, auth)} ${CREATE}`];
	// Only where a fleet began are invitations made.
	if (bootstrap.length > 0) return steps;
	const [peer = ''] = node.peer;
	const token = `$(${command} fleet invite --site paris --data-dir ${quoted(node.dataDir)})`;
	const settings = `SUNDOG_SITE=paris SUNDOG_BOOTSTRAP=${peer} SUNDOG_JOIN=${token}`;
	const elsewhere = 'SUNDOG_LISTEN=127.0.0.1:9293 SUNDOG_DATA_DIR=$HOME/sundog-paris';
	return [...steps, '  Second site (the token is good for one node):', `    ${settings} ${elsewhere} ${start(command)}`];
}

const CREATE = 'image create --disk-format qcow2 --container-format bare --file debian.qcow2 debian';

function credentials({ http, dataDir }: RunningNode, { mode, adminToken }: Config['auth']): string {
	if (mode === 'none') return `--os-auth-type none --os-endpoint ${http}`;
	// Who asks is in the caller's own settings (OS_CLOUD, openrc), and where in Keystone's catalogue, perhaps not yet.
	if (mode !== 'token') return `--os-image-endpoint-override ${http}`;
	const token = adminToken === undefined ? `$(cat ${quoted(join(dataDir, 'admin-token'))})` : '$SUNDOG_ADMIN_TOKEN';
	return `--os-auth-type admin_token --os-token "${token}" --os-endpoint ${http}`;
}

/** As a shell takes it. */
function quoted(path: string): string {
	return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function start(command: string): string {
	return command.startsWith('npm ') ? 'npm start' : command;
}
