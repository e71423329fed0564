import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { runCli } from '#cli/program.ts';
import type { RunningNode, StartNode } from '#cli/start-node.ts';
import type { Terminal } from '#cli/terminal.ts';
import { parseRule, type Rule } from '#policy/rule.ts';
import { parseRuleFile } from '#policy/rule-file.ts';
import { createRuleSet } from '#policy/rule-set.ts';
import { checkConfiguredStores } from '../../src/open-stores.ts';
import { qcow2, qed } from '../support/disk-images.ts';

const root = mkdtempSync(join(tmpdir(), 'sundog-cli-'));
after(() => rmSync(root, { recursive: true }));
const DATA_DIR = join(root, 'data');

interface Run {
	readonly code: number;
	readonly out: string;
	readonly said: readonly string[];
}

interface Stage extends Partial<Pick<Terminal, 'startNode' | 'checkStores' | 'onSignal' | 'exitNow' | 'out' | 'now'>> {
	readonly env?: Readonly<Record<string, string>>;
}

async function sundog(args: string, { env = {}, ...stage }: Stage = {}): Promise<Run> {
	let out = '';
	const said: string[] = [];
	const code = await runCli(args.split(' ').filter(Boolean), {
		env: { HOME: root, SUNDOG_DATA_DIR: DATA_DIR, ...env },
		out: (text) => {
			out += text;
		},
		say: (line) => said.push(line),
		startNode: () => assert.fail('nothing should start'),
		checkStores: async (config) => checkConfiguredStores(config),
		onSignal: () => () => {},
		now: () => 0,
		exitNow: () => assert.fail('nothing should exit'),
		...stage,
	});
	return { code, out, said };
}

async function refused(args: string, stage: Stage = {}): Promise<{ readonly code: number; readonly line: string }> {
	const { code, out, said } = await sundog(args, stage);
	assert.equal(out, '', 'nothing on standard output');
	assert.equal(said.length, 1, said.join('\n'));
	const [line = ''] = said;
	assert.match(line, /^sundog: [^\n]+$/);
	return { code, line };
}

describe('the command line', () => {
	test('version prints the version alone', async () => {
		const expected = { code: 0, out: '0.1.0\n', said: [] };
		assert.deepEqual(await sundog('version'), expected);
		assert.deepEqual(await sundog('--version'), expected);
	});

	test('help is a success and names every setting that has a flag', async () => {
		const { code, out } = await sundog('serve --help');
		assert.equal(code, 0);
		for (const word of ['--listen', 'SUNDOG_LISTEN', '--config', '--store-file-dir']) assert.ok(out.includes(word), word);
		assert.ok(!out.includes('--admin-token'), 'a process list would show it');
	});

	test('mistakes are one line and code 2', async () => {
		const mistakes: Readonly<Record<string, RegExp>> = {
			srve: /unknown command 'srve' \(Did you mean serve\?\)/,
			fleet: /a verb is missing/,
			'fleet invit': /unknown command 'invit'/,
			'fleet invite': /required option '--site <name>'/,
			'fleet invite --site UPPER': /--site: "UPPER" is not a site name/,
			'--lisen 127.0.0.1:1': /unknown option '--lisen' \(Did you mean --listen\?\)/,
			'serve extra': /too many arguments/,
			'serve --listen nowhere': /--listen: "nowhere" is not host:port/,
			'config check --auth none --listen 0.0.0.0:1': /--auth: "none" is refused because 0\.0\.0\.0:1/,
		};
		for (const [args, pattern] of Object.entries(mistakes)) {
			const { code, line } = await refused(args);
			assert.match(line, pattern);
			assert.equal(code, 2, line);
		}
	});

	test('config check prints what a node would take, without secrets, and warns about unknown variables', async () => {
		const env = { SUNDOG_SITE: 'paris', SUNDOG_ADMIN_TOKEN: 'hush', SUNDOG_LISTN: 'x' };
		const { code, out, said } = await sundog('config check --listen [::1]:0', { env });
		assert.equal(code, 0);
		const shown = JSON.parse(out);
		assert.equal(shown.site, 'paris');
		assert.deepEqual(shown.listen, { host: '::1', port: 0 });
		assert.ok(!out.includes('hush'));
		assert.deepEqual(said, [
			'sundog: warning: the variable SUNDOG_LISTN is unknown and has no effect; did you mean "SUNDOG_LISTEN"?',
		]);
	});

	test("config check says what becomes of Glance's options: to programs on standard output, to people beside it", async () => {
		const path = join(root, 'glance-api.conf');
		writeFileSync(path, '[DEFAULT]\nbind_host = 127.0.0.1\nworkers = 2\n[glance_store]\nstores = file\n');
		const { code, out, said } = await sundog(`config check --glance-config ${path}`);
		assert.equal(code, 0);
		const { listen, glanceOptions } = JSON.parse(out);
		assert.deepEqual(listen, { host: '127.0.0.1', port: 9292 });
		assert.deepEqual(glanceOptions[0], {
			file: path,
			line: 2,
			group: 'DEFAULT',
			option: 'bind_host',
			fate: 'honoured',
			became: 'listen = 127.0.0.1:9292',
		});
		assert.match(said.join('\n'), /^honoured +\[DEFAULT\] bind_host .*\nmeaningless +\[DEFAULT\] workers /);
	});

	test('config check has the drivers look at their options, and says where they were said', async () => {
		const path = join(root, 'stores.yaml');
		writeFileSync(path, 'stores:\n  fast: { type: file, filesystem_store_datadri: /srv }\n');
		assert.deepEqual(await refused(`config check --config ${path}`), {
			code: 2,
			line: 'sundog: stores.yaml:2:11: store fast: there is no option filesystem_store_datadri',
		});
		const env = { SUNDOG_STORES: 'fast:flie' };
		assert.match(
			(await refused('config check', { env })).line,
			/^sundog: SUNDOG_STORES: store fast: type flie is none of .*file/,
		);
	});

	test("a value in Glance's file that cannot be taken is one line and code 2", async () => {
		const path = join(root, 'bad.conf');
		writeFileSync(path, '[DEFAULT]\nworkers = two\n');
		const { code, line } = await refused(`serve --glance-config ${path}`);
		assert.equal(code, 2);
		assert.equal(line, `sundog: ${path}:2: [DEFAULT] workers: a whole number is needed`);
	});
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** A real server on loopback, known to the CLI by the data directory's node.json as a running node would be. */
async function withNode<T>(
	answer: Answer,
	use: (node: { readonly dataDir: string; readonly http: string }) => Promise<T>,
): Promise<T> {
	const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
	await once(server, 'listening');
	const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const dataDir = mkdtempSync(join(root, 'node-'));
	writeFileSync(join(dataDir, 'node.json'), JSON.stringify({ http, pid: process.pid }));
	try {
		return await use({ dataDir, http });
	} finally {
		server.closeAllConnections();
		server.close();
	}
}

function answering(status: number, body: object | string): Answer {
	return (_, response) => {
		response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
	};
}

describe('fleet invite', () => {
	test('asks the node of the data directory and prints the token alone', async () => {
		const seen: unknown[] = [];
		const answer: Answer = async (request, response) => {
			seen.push(request.method, request.url, request.headers['x-auth-token'], await json(request));
			response.writeHead(201).end(JSON.stringify({ token: 'one.time.token', site: 'paris' }));
		};
		await withNode(answer, async ({ dataDir }) => {
			const run = await sundog('fleet invite --site paris', { env: { SUNDOG_DATA_DIR: dataDir } });
			assert.deepEqual(run, { code: 0, out: 'one.time.token\n', said: [] });
			assert.deepEqual(seen, ['POST', '/admin/v1/fleet/invitations', undefined, { site: 'paris' }]);
		});
	});

	test('sends the admin token of the environment, else the one kept in the data directory', async () => {
		const seen: unknown[] = [];
		const answer: Answer = (request, response) => {
			seen.push(request.headers['x-auth-token']);
			return answering(201, { token: 't' })(request, response);
		};
		await withNode(answer, async ({ dataDir }) => {
			writeFileSync(join(dataDir, 'admin-token'), 'kept\n');
			await sundog('fleet invite --site paris', { env: { SUNDOG_DATA_DIR: dataDir } });
			await sundog('fleet invite --site paris', { env: { SUNDOG_DATA_DIR: dataDir, SUNDOG_ADMIN_TOKEN: 'given' } });
		});
		assert.deepEqual(seen, ['kept', 'given']);
	});

	test('finds a node elsewhere by SUNDOG_LISTEN', async () => {
		await withNode(answering(201, { token: 't' }), async ({ http }) => {
			const run = await sundog('fleet invite --site paris', { env: { SUNDOG_LISTEN: new URL(http).host } });
			assert.deepEqual(run, { code: 0, out: 't\n', said: [] });
		});
	});

	test('says when no node runs there, also when a killed one left its file', async () => {
		assert.deepEqual(await refused('fleet invite --site paris'), {
			code: 4,
			line: `sundog: no node runs with data directory ${DATA_DIR}; start it, or set SUNDOG_DATA_DIR or SUNDOG_LISTEN`,
		});
		const dataDir = mkdtempSync(join(root, 'dead-'));
		const aboveEveryPid = 2 ** 22 + 1;
		writeFileSync(join(dataDir, 'node.json'), JSON.stringify({ http: 'http://127.0.0.1:9', pid: aboveEveryPid }));
		const { code, line } = await refused('fleet invite --site paris', { env: { SUNDOG_DATA_DIR: dataDir } });
		assert.equal(code, 4);
		assert.match(line, /no node runs with data directory/);
	});

	test('says when the connection is refused', async () => {
		const http = await withNode(answering(200, {}), async (node) => node.http);
		const { code, line } = await refused('node show', { env: { SUNDOG_LISTEN: new URL(http).host } });
		assert.equal(code, 4);
		assert.equal(line, `sundog: no node answers at ${http} (ECONNREFUSED)`);
	});

	test("passes on the node's own reason, whatever its form", async () => {
		const bodies: readonly [number, object | string, RegExp][] = [
			[403, { message: 'this node is not the centre' }, /the node refused \(403\): this node is not the centre$/],
			[409, { error: { message: 'busy' } }, /refused \(409\): busy$/],
			[403, '<html><body>no <b>way</b></body></html>', /refused \(403\): no way$/],
			[503, '', /refused \(503\): Service Unavailable$/],
			[401, '', /the node asks for a token: set SUNDOG_ADMIN_TOKEN$/],
			[404, 'x', /has no admin API: is it a Sundog node\?$/],
			[200, 'hello', /the node's answer is not JSON/],
			[201, {}, /the node answered without a token$/],
			[302, '', /no node answers at/],
		];
		for (const [status, body, pattern] of bodies)
			await withNode(answering(status, body), async ({ dataDir }) => {
				const { line } = await refused('fleet invite --site paris', { env: { SUNDOG_DATA_DIR: dataDir } });
				assert.match(line, pattern);
			});
	});

	test('a damaged node.json is named', async () => {
		const dataDir = mkdtempSync(join(root, 'bad-'));
		writeFileSync(join(dataDir, 'node.json'), '{"http": 5}');
		const { code, line } = await refused('node show', { env: { SUNDOG_DATA_DIR: dataDir } });
		assert.equal(code, 1);
		assert.match(line, /node\.json is damaged/);
	});
});

describe('node health', () => {
	test('asks without a token and says OK alone', async () => {
		const seen: unknown[] = [];
		const answer: Answer = (request, response) => {
			seen.push(request.url, request.headers['x-auth-token']);
			response.end('OK');
		};
		await withNode(answer, async ({ dataDir }) => {
			const run = await sundog('node health', { env: { SUNDOG_DATA_DIR: dataDir, SUNDOG_ADMIN_TOKEN: 'x' } });
			assert.deepEqual(run, { code: 0, out: 'OK\n', said: [] });
		});
		assert.deepEqual(seen, ['/healthcheck', undefined]);
	});

	test('a node that answers otherwise is not well', async () => {
		await withNode(answering(503, ''), async ({ dataDir }) => {
			assert.deepEqual(await refused('node health', { env: { SUNDOG_DATA_DIR: dataDir } }), {
				code: 1,
				line: 'sundog: the node is not well (503)',
			});
		});
	});
});

describe('serve', () => {
	const running: RunningNode = {
		http: 'http://127.0.0.1:9292',
		peer: ['/ip4/127.0.0.1/tcp/9293/p2p/12D3KooW'],
		site: 'centre',
		node: '12D3KooW',
		dataDir: DATA_DIR,
		notes: ['admin token: abc (shown once)'],
		stop: async () => {},
	};

	/** Signals that a test sends by hand, and the moment somebody listens. */
	function signals() {
		let listener: ((signal: NodeJS.Signals) => void) | undefined;
		return {
			onSignal(wanted: (signal: NodeJS.Signals) => void) {
				listener = wanted;
				return () => {
					listener = undefined;
				};
			},
			send: (signal: NodeJS.Signals) => listener?.(signal),
			heard: () => listener !== undefined,
		};
	}

	test('prints one JSON line when ready, tells people the rest, and drains on a signal', async () => {
		const { onSignal, send, heard } = signals();
		let stopped = 0;
		const out: string[] = [];
		const stop = async () => {
			stopped++;
		};
		const run = await sundog('', {
			startNode: async () => ({ ...running, stop }),
			onSignal,
			out: (text) => {
				out.push(text);
				queueMicrotask(() => send('SIGTERM'));
			},
		});
		assert.equal(run.code, 0);
		assert.equal(stopped, 1);
		assert.ok(!heard(), 'nobody listens any more');
		const { stop: _, notes: __, ...facts } = running;
		assert.deepEqual(
			out.map((text) => JSON.parse(text)),
			[{ ready: true, ...facts }],
		);
		const text = run.said.join('\n');
		for (const part of [
			running.http,
			running.peer[0],
			DATA_DIR,
			'admin token: abc',
			'openstack --os-auth-type none',
			'fleet invite --site paris',
		])
			assert.ok(text.includes(String(part)), `${part} in ${text}`);
	});

	test('settings reach the node, flags before variables', async () => {
		const { onSignal, send } = signals();
		const seen: string[] = [];
		const startNode: StartNode = async (config) => {
			seen.push(config.site);
			queueMicrotask(() => send('SIGINT'));
			return running;
		};
		await sundog('--site oslo', { startNode, onSignal, env: { SUNDOG_SITE: 'paris' } });
		assert.deepEqual(seen, ['oslo']);
	});

	test('a signal during the start gives it up, and that is no failure', async () => {
		const { onSignal, send } = signals();
		const startNode: StartNode = (_, { signal }) =>
			new Promise((_, reject) => {
				signal.addEventListener('abort', () => reject(signal.reason));
				send('SIGINT');
			});
		assert.deepEqual(await sundog('serve', { startNode, onSignal }), { code: 0, out: '', said: [] });
	});

	test('one Ctrl-C that arrives twice drains; a second wish ends the process at once', async () => {
		const { onSignal, send } = signals();
		const exits: number[] = [];
		const { promise: drained, resolve: drain } = Promise.withResolvers<void>();
		let now = 1000;
		const run = sundog('serve', {
			startNode: async () => ({ ...running, stop: () => drained }),
			onSignal,
			exitNow: (code) => exits.push(code),
			now: () => now,
			out: () => queueMicrotask(() => send('SIGINT')),
		});
		await new Promise((resolve) => setImmediate(resolve));
		now += 100;
		send('SIGINT');
		assert.deepEqual(exits, []);
		now += 1000;
		send('SIGINT');
		assert.deepEqual(exits, [130]);
		drain();
		assert.equal((await run).code, 0);
	});

	test('what a node cannot have is one line and code 3', async () => {
		const level = Object.assign(new Error('Database is not open'), {
			code: 'LEVEL_DATABASE_NOT_OPEN',
			cause: Object.assign(new Error('IO error: lock'), { code: 'LEVEL_LOCKED' }),
		});
		const system = (code: string, rest: object = {}) => Object.assign(new Error(code), { code, ...rest });
		const causes: readonly [Error, RegExp, number][] = [
			[system('EADDRINUSE', { syscall: 'listen', address: '::1', port: 9292 }), /\[::1\]:9292 is in use by another process/, 3],
			[
				system('EACCES', { syscall: 'listen', address: '127.0.0.1', port: 80 }),
				/127\.0\.0\.1:80 may not be used by this user/,
				3,
			],
			[system('EACCES', { syscall: 'mkdir', path: '/var/x' }), /\/var\/x may not be used by this user/, 3],
			[system('EROFS', { path: '/ro' }), /\/ro is on a read-only file system/, 3],
			[level, /data directory .* is in use by another process/, 3],
			[new Error('the peers do not answer'), /sundog: the peers do not answer/, 1],
		];
		for (const [error, pattern, expected] of causes) {
			const { code, line } = await refused('serve', { startNode: () => Promise.reject(error) });
			assert.match(line, pattern);
			assert.equal(code, expected);
		}
	});
});

describe('policy', () => {
	const file = join(root, 'policy.yaml');
	test('what generate prints is right, changes nothing as it is, and means the defaults when uncommented', async () => {
		for (const flag of ['', '--legacy']) {
			const { out } = await sundog(`policy generate ${flag}`);
			const uncommented = out.replaceAll(/^#"/gm, '"');
			for (const [text, count] of [
				[out, 0],
				[uncommented, 67],
			] as const) {
				writeFileSync(file, text);
				assert.equal((await sundog(`policy check --file ${file}`)).out, `${count} rules in 1 file: nothing wrong\n`);
			}
			const overrides = Object.fromEntries(parseRuleFile(uncommented, 'generated').map(({ name, source }) => [name, source]));
			const rules = createRuleSet({ enforceNewDefaults: flag === '' });
			for (const [name, source] of Object.entries(overrides))
				assert.deepEqual(withoutNesting(parseRule(source).rule), withoutNesting(rules.get(name)), name);
		}
	});
	test('check names what is wrong and where, and fails', async () => {
		const lines = [
			'get_imgae: "role:a"',
			'get_images: "role:a or (role:b"',
			'a: "rule:b"',
			'b: "rule:a"',
			'get_image: "rule:nowhere"',
			'delete_image: "@ 1x:y"',
			'delete_image: "rule:a"',
		];
		writeFileSync(file, lines.join('\n'));
		const { code, out, said } = await sundog(`policy check --file ${file}`);
		assert.deepEqual([code, said], [1, ['sundog: 6 problems in the policy files']]);
		assert.deepEqual(out.replaceAll(file, 'policy.yaml').trim().split('\n'), [
			'policy.yaml:7: rule delete_image comes twice: this one counts',
			'policy.yaml:2: rule get_images, character 11: ( does not fit here',
			'policy.yaml:3: rule a: refers to itself: a → b → a',
			'policy.yaml:4: rule b: refers to itself: b → a → b',
			'policy.yaml:5: rule get_image: refers to rule nowhere, which is not defined',
			'policy.yaml:1: rule get_imgae is unknown, and no rule refers to it; did you mean "get_image"?',
		]);
	});
	test('check reads folders, and the files of the settings', async () => {
		writeFileSync(file, '- no mapping');
		const env = { SUNDOG_POLICY_FILE: file };
		assert.match((await sundog('policy check', { env })).out, /policy\.yaml: a mapping of rule names to rules expected/);
		assert.equal(
			(await sundog(`policy check --dir ${join(root, 'nowhere')}`, { env })).out,
			'0 rules in 0 files: nothing wrong\n',
		);
		assert.match((await sundog(`policy check --file ${join(root, 'nowhere')}`)).out, /nowhere: no such file/);
	});
	test('check --rule decides for a persona', async () => {
		writeFileSync(file, 'get_image: "role:auditor and \'x\':%(kind)s"');
		const asked = async (args: string) => (await sundog(`policy check --file ${file} ${args}`)).out;
		assert.equal(await asked('--rule get_images --roles reader --project p'), 'allowed: get_images\n');
		assert.equal(await asked('--rule get_images --roles reader --project p --target project_id=q'), 'denied: get_images\n');
		assert.equal(await asked('--rule get_image --roles Auditor --target kind=x'), 'allowed: get_image\n');
		assert.equal(await asked('--rule publicize_image --roles admin --system'), 'denied: publicize_image\n');
		assert.equal(await asked('--rule modify_image --project p'), 'denied: modify_image\n');
		assert.equal(await asked('--rule modify_image --project p --legacy'), 'allowed: modify_image\n');
		assert.equal((await refused(`policy check --file ${file} --rule get_image --target kind`)).code, 2);
	});

	/** `a or b or c`, however it came about. */
	function withoutNesting(rule: Rule | undefined): unknown {
		if (rule?.kind !== 'any') return rule;
		return {
			kind: 'any',
			of: rule.of.flatMap((each) => (each.kind === 'any' ? each.of : [each])),
		};
	}
});

describe('image inspect', () => {
	const write = (name: string, image: Uint8Array) => {
		const path = join(root, name);
		writeFileSync(path, image);
		return path;
	};

	test('says what a file is', async () => {
		assert.deepEqual(await sundog(`image inspect ${write('sound', qcow2())}`), {
			code: 0,
			out: 'qcow2: a disk of 1048576 bytes\n',
			said: [],
		});
		assert.equal((await sundog(`image inspect ${write('zeros', new Uint8Array(700))}`)).out, 'raw: a disk of 700 bytes\n');
	});

	test('says why a node would refuse it, and fails', async () => {
		const { code, out, said } = await sundog(`image inspect ${write('banned', qed())}`);
		assert.deepEqual([code, out], [1, 'qed: a disk of unknown size\nqed: banned: qed images are not accepted\n']);
		assert.deepEqual(said, ['sundog: content is refused, as qed it is not safe: qed images are not accepted']);
	});

	test('compares it with what it would be uploaded as', async () => {
		const file = write('sound', qcow2());
		assert.deepEqual((await sundog(`image inspect --disk-format vmdk ${file}`)).said, [
			'sundog: disk_format is vmdk, but the content is qcow2',
		]);
		const raw = await sundog(`image inspect --disk-format raw ${file}`);
		assert.deepEqual([raw.code, raw.said], [0, ['sundog: warning: disk_format is raw, but the content is qcow2']]);
		assert.equal((await sundog(`image inspect --disk-format qcow2 ${file}`)).code, 0);
	});

	test('a file that is not there fails', async () => {
		assert.equal((await refused(`image inspect ${join(root, 'not-there')}`)).code, 1);
	});
});
