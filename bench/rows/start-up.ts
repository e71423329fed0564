import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createImageClient } from '../../test/support/image-client.ts';
import { environment, startNode } from '../../test/support/node-process.ts';
import { sampleContent } from '../../test/support/sample-content.ts';
import { type Bench, MIB, type Row, type Subject } from '../harness.ts';

const START_MS = 2000;
const STOP_MS = 1000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const startUpRow: Row = {
	name: 'start-up',
	about: "first start, also by a Glance operator's configuration, second start on a data directory, and the end of an idle node",
	async run(bench) {
		const { dir, runs, report } = bench;
		await firstStarts(bench);
		const options = { dataDir: join(dir, 'start-up') };
		{
			await using first = await startNode(options);
			using client = createImageClient(first.http);
			await client.add(sampleContent('start-up', 8 * MIB));
			await first.stop();
		}
		const stops: number[] = [];
		const direct: Subject = {
			name: 'start-up: node',
			unit: 'ms',
			about: 'from spawn of src/main.ts serve to its ready line',
			async run() {
				await using node = await startNode(options);
				const startedAt = performance.now();
				await node.stop();
				stops.push(performance.now() - startedAt);
				return { value: node.startMs };
			},
		};
		const npm: Subject = {
			name: 'start-up: npm start',
			unit: 'ms',
			about: 'the same through npm start',
			run: async () => ({ value: await npmStart(environment(options)) }),
		};
		const [ours, throughNpm] = await report.measure([direct, npm], Math.max(runs, 3));
		report.bound('second start', ours, ours.median, { below: START_MS });
		report.bound('second start by npm start', throughNpm, throughNpm.median, { below: START_MS });
		const stop = report.single({ name: 'start-up: stop', unit: 'ms', about: 'from SIGTERM to the end of an idle node' }, stops);
		report.bound('stop of an idle node', stop, stop.median, { below: STOP_MS });
	},
};

async function firstStarts({ dir, runs, report }: Bench): Promise<void> {
	const glanceConfig = join(dir, 'glance-api.conf');
	await writeFile(glanceConfig, glanceConfigOf(join(dir, 'glance-images')));
	const start = (kind: string, about: string, env: Readonly<Record<string, string>>): Subject => ({
		name: `start-up: ${kind}`,
		unit: 'ms',
		about: `from spawn to the ready line on a clean data directory${about}`,
		async run(round) {
			await using node = await startNode({ dataDir: join(dir, `${kind}-${round}`), env });
			await node.stop();
			return { value: node.startMs };
		},
	});
	const byGlance = { SUNDOG_GLANCE_CONFIG: glanceConfig, SUNDOG_AUTH: 'keystone' };
	const [first, glance] = await report.measure(
		[
			start('first', '', {}),
			start('first by glance-api.conf', ", settings from an operator's glance-api.conf with Keystone", byGlance),
		],
		Math.max(runs, 3),
	);
	report.bound('first start', first, first.median, { below: START_MS });
	report.bound('first start by glance-api.conf', glance, glance.median, { below: START_MS });
}

/** What an operator of Glance changes in the file that comes with it. */
function glanceConfigOf(images: string): string {
	return `[DEFAULT]
enabled_backends = fast:file
workers = 2
log_file = /var/log/glance/glance-api.log
[database]
connection = mysql+pymysql://glance:secret@127.0.0.1/glance?charset=utf8
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = ${images}
[keystone_authtoken]
www_authenticate_uri = http://127.0.0.1:5000
auth_url = http://127.0.0.1:5000
auth_type = password
username = glance
password = secret
user_domain_name = Default
project_name = service
project_domain_name = Default
[paste_deploy]
flavor = keystone
`;
}

async function npmStart(env: Readonly<Record<string, string>>): Promise<number> {
	const startedAt = performance.now();
	// A group of its own: npm starts a shell which starts the node, and all of them must end.
	const child = spawn('npm', ['start'], {
		cwd: ROOT,
		env: { ...process.env, ...env },
		detached: true,
		stdio: ['ignore', 'pipe', 'ignore'],
	});
	const gone = once(child, 'close');
	try {
		let seen = '';
		for await (const piece of child.stdout.setEncoding('utf8') as AsyncIterable<string>) {
			seen += piece;
			if (seen.includes('"ready":true')) return performance.now() - startedAt;
		}
		throw new Error(`npm start printed no ready line: ${seen}`);
	} finally {
		process.kill(-(child.pid as number), 'SIGTERM');
		await gone;
	}
}
