/**
 * The reference cloud: a real Keystone and Debian's Glance on loopback, started by the scripts of
 * `SUNDOG_REFERENCE_SERVERS` (default `../shared/servers` beside the checkout).
 *
 * `SUNDOG_REFERENCE_DIR` names the folder that holds its state. Whoever set it owns the cloud (the test runner, or a
 * person who keeps one running): test files start it there when nobody has yet, one at a time, and leave it running.
 * Without that variable a file starts a cloud of its own and stops it.
 */
import { execFile } from 'node:child_process';
import { accessSync, existsSync, readFileSync } from 'node:fs';
import { link, mkdir, mkdtemp, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { referenceServers, stopReference } from '../../scripts/test/reference.ts';

const execute = promisify(execFile);
const START_TIMEOUT_MS = 240_000;
const NEEDED = ['keystone-manage', 'glance-api', 'uwsgi_python3', 'mariadbd', 'flock', 'curl'];
const PORTS = { KEYSTONE_PORT: '5000', GLANCE_PORT: '9292', WEB_PORT: '8899', DB_PORT: '33306' };
type Ports = Readonly<Record<keyof typeof PORTS, string>>;

export type Person = 'admin' | 'demo' | 'alt' | 'reader' | 'system';

export interface ReferenceCloud extends AsyncDisposable {
	/** without /v3 */
	readonly keystone: string;
	readonly glance: string;
	/** nginx with a small image */
	readonly web: string;
	/** ids by name: admin, service, demo, alt_demo */
	readonly projects: Readonly<Record<string, string>>;
	/** ids by name: admin, glance, demo, alt_demo, demo_reader */
	readonly users: Readonly<Record<string, string>>;
	readonly imageEndpoint: string;
	/** the last value of an option in Glance's own configuration file */
	glanceOption(name: string): string | undefined;
	/** Keystone's token for one of the people, the same one all along. */
	token(person: Person): Promise<string>;
	/** OS_* variables for the official clients. */
	environment(person: Person): Record<string, string>;
	/** Runs one of the scripts of the openstack folder. */
	script(name: string, args: readonly string[], options?: ScriptOptions): Promise<{ stdout: string; stderr: string }>;
	/** a script's file or folder of data, such as `baseline/tempest-limits.tsv` */
	file(name: string): string;
}

export interface ScriptOptions {
	readonly timeoutMs?: number;
	readonly env?: Readonly<Record<string, string>>;
}

/** A cloud, or why there is none: a reason to skip, in words for people. */
export type Reference = { readonly missing: false; readonly cloud: ReferenceCloud } | { readonly missing: string };

export function openReference(): Promise<Reference> {
	return open(process.env.SUNDOG_REFERENCE_DIR);
}

/** One that nobody shares, with its state in this folder, which goes with it. */
export function openOwnReference(dir: string): Promise<Reference> {
	return open(undefined, dir);
}

async function open(shared: string | undefined, own?: string): Promise<Reference> {
	const scripts = join(referenceServers(), 'openstack');
	if (!existsSync(join(scripts, 'keystone-start'))) return { missing: `the reference cloud's scripts are not at ${scripts}` };
	const absent = NEEDED.filter((command) => !isInstalled(command));
	if (absent.length > 0) return { missing: `the reference cloud needs ${absent.join(', ')}` };
	const dir = shared ?? own ?? (await mkdtemp(join(tmpdir(), 'sundog-reference-')));
	try {
		const ports = await claimPorts(dir);
		await startOnce(scripts, dir, ports);
		const stop = shared === undefined ? () => stopReference(dir) : async () => {};
		return { missing: false, cloud: describe(scripts, dir, ports, stop) };
	} catch (error) {
		if (shared === undefined) await stopReference(dir);
		return { missing: `the reference cloud did not start: ${error instanceof Error ? error.message : error}` };
	}
}

function isInstalled(command: string): boolean {
	return `${process.env.PATH}:/usr/sbin:/usr/bin`.split(':').some((folder) => {
		try {
			accessSync(join(folder, command));
			return true;
		} catch {
			return false;
		}
	});
}

/** Free ports, agreed on by everybody who comes to this folder; those of a cloud that somebody started by hand are the scripts' own. */
async function claimPorts(dir: string): Promise<Ports> {
	await mkdir(dir, { recursive: true });
	const agreed = join(dir, 'ports.json');
	if (!existsSync(agreed) && existsSync(join(dir, 'run'))) return chosen(PORTS);
	if (!existsSync(agreed)) {
		const draft = `${agreed}.${process.pid}`;
		await writeFile(draft, JSON.stringify(chosen(await freePorts())));
		await link(draft, agreed).catch((error: NodeJS.ErrnoException) => {
			if (error.code !== 'EEXIST') throw error;
		});
		await unlink(draft);
	}
	return JSON.parse(readFileSync(agreed, 'utf8'));
}

function chosen(ports: Ports): Ports {
	const names = Object.keys(PORTS) as (keyof Ports)[];
	return Object.fromEntries(names.map((name) => [name, process.env[name] ?? ports[name]])) as Ports;
}

async function freePorts(): Promise<Ports> {
	const servers = await Promise.all(
		Object.keys(PORTS).map(async (name) => {
			const server = createServer();
			await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
			return [name, server] as const;
		}),
	);
	const ports = servers.map(([name, server]) => [name, String((server.address() as { port: number }).port)]);
	await Promise.all(servers.map(([, server]) => new Promise((resolve) => server.close(resolve))));
	return Object.fromEntries(ports);
}

/** Not again when it answers: starting writes the catalogue anew, in which Tempest may have put another endpoint. */
const START = `
answers() { curl -s -o /dev/null -m 10 "$1"; }
answers "http://127.0.0.1:$KEYSTONE_PORT/v3" && answers "http://127.0.0.1:$GLANCE_PORT/" && exit 0
./keystone-start && ./glance-start`;

async function startOnce(scripts: string, dir: string, ports: Ports): Promise<void> {
	// The servers must not inherit the lock: they would keep it as long as they live.
	const args = ['--close', join(dir, 'start.lock'), 'bash', '-c', START];
	await execute('flock', args, { cwd: scripts, env: scriptEnv(dir, ports), timeout: START_TIMEOUT_MS });
}

/** Of the environment only what every program needs; a mark by which the test runner knows a file's processes is not for these. */
function scriptEnv(dir: string, ports: Ports, more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
	const { PATH, TMPDIR, USER, LANG } = process.env;
	return { PATH, ...(TMPDIR && { TMPDIR }), ...(USER && { USER }), ...(LANG && { LANG }), WORKDIR: dir, ...ports, ...more };
}

function describe(scripts: string, dir: string, ports: Ports, stop: () => Promise<void>): ReferenceCloud {
	const keystone = `http://127.0.0.1:${ports.KEYSTONE_PORT}`;
	const ids = JSON.parse(readFileSync(join(dir, 'etc/keystone-ids.json'), 'utf8'));
	const glanceConf = readFileSync(join(dir, 'etc/glance/glance-api.conf'), 'utf8');
	const environment = (person: Person) => readOpenrc(join(dir, `openrc-${person}`));
	const tokens = new Map<Person, Promise<string>>();
	return {
		keystone,
		glance: `http://127.0.0.1:${ports.GLANCE_PORT}`,
		web: `http://127.0.0.1:${ports.WEB_PORT}`,
		projects: ids.projects,
		users: ids.users,
		imageEndpoint: ids.image_endpoint_id,
		glanceOption: (name) => glanceConf.match(new RegExp(`^${name}\\s*=\\s*(.*)$`, 'm'))?.[1],
		token(person) {
			const known = tokens.get(person) ?? signIn(keystone, environment(person));
			tokens.set(person, known);
			return known;
		},
		environment,
		script: (name, args, { timeoutMs, env } = {}) =>
			execute(join(scripts, name), args, { env: scriptEnv(dir, ports, env), timeout: timeoutMs ?? START_TIMEOUT_MS }),
		file: (name) => join(scripts, name),
		[Symbol.asyncDispose]: stop,
	};
}

function readOpenrc(path: string): Record<string, string> {
	const words = readFileSync(path, 'utf8').matchAll(/\b(OS_\w+)=(\S+)/g);
	return Object.fromEntries([...words].map(([, name = '', value = '']) => [name, value]));
}

async function signIn(keystone: string, env: Readonly<Record<string, string>>): Promise<string> {
	const scope =
		env.OS_SYSTEM_SCOPE === 'all'
			? { system: { all: true } }
			: { project: { name: env.OS_PROJECT_NAME, domain: { name: env.OS_PROJECT_DOMAIN_NAME } } };
	const user = { name: env.OS_USERNAME, password: env.OS_PASSWORD, domain: { name: env.OS_USER_DOMAIN_NAME } };
	const response = await fetch(`${keystone}/v3/auth/tokens`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
	});
	const token = response.headers.get('x-subject-token');
	if (token === null) throw new Error(`keystone gave ${env.OS_USERNAME} no token: ${response.status} ${await response.text()}`);
	return token;
}
