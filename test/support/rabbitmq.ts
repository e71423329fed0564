/** A real RabbitMQ on loopback, by the reference servers' script; and a real oslo.messaging listener. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PYTHON = '/usr/bin/python3';

/** Absolute path of a reference server's script, or why there is none. */
export function referenceScript(name: string): { readonly path: string } | { readonly missing: string } {
	const dir = process.env.SUNDOG_REFERENCE_SERVERS ?? join(ROOT, '../shared/servers');
	const path = join(dir, name);
	return existsSync(path) ? { path } : { missing: `the reference server ${name} is not on this machine` };
}

/** Why RabbitMQ or oslo.messaging cannot be had here; undefined when both are installed. */
export async function rabbitMissing(): Promise<string | undefined> {
	const script = referenceScript('rabbitmq-server');
	if ('missing' in script) return script.missing;
	if (!existsSync('/usr/lib/rabbitmq')) return 'rabbitmq-server is not installed';
	if (!existsSync(PYTHON)) return 'python3 is not installed';
	const imported = promisify(execFile)(PYTHON, ['-c', 'import oslo_messaging, kombu']);
	return imported.then(
		() => undefined,
		() => 'python3-oslo.messaging is not installed',
	);
}

export interface RabbitMq extends AsyncDisposable {
	readonly port: number;
	/** transport URL through another port, such as a proxy's */
	urlAt(port: number): string;
}

export async function startRabbitMq(dir: string): Promise<RabbitMq> {
	const script = referenceScript('rabbitmq-server');
	if ('missing' in script) throw new Error(script.missing);
	const [port, dist, epmd] = [await freePort(), await freePort(), await freePort()];
	const env = {
		...process.env,
		RABBITMQ_DIR: dir,
		RABBITMQ_PORT: String(port),
		RABBITMQ_DIST_PORT: String(dist),
		RABBITMQ_EPMD_PORT: String(epmd),
	};
	const run = (command: string) => promisify(execFile)(script.path, [command], { env, timeout: 150_000 });
	await run('start');
	return {
		port,
		urlAt: (at) => `rabbit://glance:glance@127.0.0.1:${at}/`,
		async [Symbol.asyncDispose]() {
			await run('stop');
		},
	};
}

export interface OsloListener extends AsyncDisposable {
	/** What oslo.messaging handed to its endpoint, in order. */
	readonly received: readonly OsloNotification[];
}

export interface OsloNotification {
	readonly priority: string;
	readonly publisher_id: string;
	readonly event_type: string;
	readonly payload: unknown;
	readonly message_id: string;
	readonly timestamp: string;
}

const LISTENER = `
import json, sys, threading
from oslo_config import cfg
import oslo_messaging
class Endpoint:
    def _say(self, priority, publisher_id, event_type, payload, metadata):
        print(json.dumps(dict(metadata, priority=priority, publisher_id=publisher_id, event_type=event_type, payload=payload)), flush=True)
    def info(self, ctxt, publisher_id, event_type, payload, metadata):
        self._say('info', publisher_id, event_type, payload, metadata)
    def error(self, ctxt, publisher_id, event_type, payload, metadata):
        self._say('error', publisher_id, event_type, payload, metadata)
conf = cfg.ConfigOpts(); conf([])
transport = oslo_messaging.get_notification_transport(conf, sys.argv[1])
conf.register_opts(oslo_messaging.server._pool_opts)
conf.set_override('executor_thread_pool_size', 1)
targets = [oslo_messaging.Target(exchange='glance', topic='notifications')]
server = oslo_messaging.get_notification_listener(transport, targets, [Endpoint()], executor='threading')
server.start()
print('listening', flush=True)
sys.stdin.read()
server.stop(); server.wait()
`;

/** oslo.messaging's own listener in a process of Debian's Python; resolves when it listens. */
export async function startOsloListener(url: string): Promise<OsloListener> {
	const child: ChildProcess = spawn(PYTHON, ['-c', LISTENER, url], { stdio: ['pipe', 'pipe', 'inherit'] });
	if (!child.stdout || !child.stdin) throw new Error('the listener has no pipes');
	const received: OsloNotification[] = [];
	const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
	child.once('exit', (code) => reject(new Error(`the listener ended with ${code}`)));
	createInterface(child.stdout).on('line', (line) => {
		if (line === 'listening') resolve();
		else received.push(JSON.parse(line) as OsloNotification);
	});
	await listening;
	return {
		received,
		async [Symbol.asyncDispose]() {
			const ended = new Promise((done) => child.once('exit', done));
			child.stdin?.end();
			await ended;
		},
	};
}
