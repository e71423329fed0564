/** A Cinder of its own for a test file, with everything it needs: Ceph, Keystone, RabbitMQ and MariaDB. */
import assert from 'node:assert/strict';
import { chmod, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after } from 'node:test';
import type { StoreOptions } from '#store/options.ts';
import { type RealServer, type ServerKind, startServer } from './real-servers.ts';
import { temporaryDir } from './temporary-dir.ts';

const CINDER: Omit<ServerKind, 'env'> = {
	script: 'cinder-server',
	dirVar: 'CINDER_DIR',
	packages: [
		'cinder-api',
		'cinder-scheduler',
		'cinder-volume',
		'python3-cinder',
		'python3-pymysql',
		'python3-rbd',
		'keystone',
		'uwsgi-core',
		'uwsgi-plugin-python3',
		'rabbitmq-server',
		'mariadb-server',
		'ceph-mon',
		'ceph-mgr',
		'ceph-mgr-modules-core',
		'ceph-osd',
		'ceph-common',
		'librbd1',
		'librados2',
		'curl',
	],
	portVars: {
		CINDER_PORT: 1,
		KEYSTONE_PORT: 1,
		RABBITMQ_PORT: 1,
		RABBITMQ_DIST_PORT: 1,
		RABBITMQ_EPMD_PORT: 1,
		MARIADB_PORT: 1,
		CEPH_MON_PORT: 2,
		CEPH_OSD_PORTS: { range: 40 },
	},
};

export interface RealCinder extends AsyncDisposable {
	readonly missing: false;
	/** options of a store in Glance's own project */
	readonly options: StoreOptions;
	/** Cinder as that project's user. */
	ask(method: string, path: string, body?: object): Promise<CinderReply>;
	/** Cinder as administrator, below `/v3`; `{project}` in a path is the store's project. */
	admin(method: string, path: string, body?: object): Promise<CinderReply>;
	applicationCredential(): Promise<{ readonly id: string; readonly secret: string }>;
	/** `http://127.0.0.1:port` */
	readonly origin: string;
	/** Keystone's address */
	readonly keystone: string;
	/** All that there is of the store's project, in Cinder's words and in Ceph's. */
	holds(): Promise<Holdings>;
	/** A store in a pool `images` of the Ceph below, for the driver rbd; its images. */
	readonly rbd: { readonly options: StoreOptions; images(): Promise<readonly string[]> };
}

export interface Holdings {
	/** ids */
	readonly volumes: readonly string[];
	/** ids */
	readonly attachments: readonly string[];
	/** ids of volumes that have an image in the pool */
	readonly images: readonly string[];
}

export interface CinderReply {
	readonly status: number;
	// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies they know
	readonly json: any;
}

/** One for the file that calls this, ended after its tests; `cloud` only where nothing is missing. */
export async function cinderOfFile(): Promise<{ readonly missing: false | string; cloud(): RealCinder }> {
	const started = await realCinder();
	if (started.missing === false) after(() => started[Symbol.asyncDispose]());
	return {
		missing: started.missing,
		cloud() {
			assert.ok(started.missing === false);
			return started;
		},
	};
}

/** Or why there is none. */
async function realCinder(): Promise<RealCinder | { readonly missing: string }> {
	await using stack = new AsyncDisposableStack();
	// the servers that it needs keep their state there, and some of them run as users of their own
	const dir = stack.use(await temporaryDir());
	await chmod(dir.path, 0o755);
	const env = { TMPDIR: dir.path, CEPH_RGW: '0', KEYSTONE_PROCS: '1' };
	const server = await startServer({ ...CINDER, env }, { own: true });
	if (server.missing !== false) return server;
	stack.use(server);
	return await conversation(server, stack);
}

async function conversation({ env, run }: RealServer, starting: AsyncDisposableStack): Promise<RealCinder> {
	const { CINDER_V3_URL: url = '', CINDER_KEYSTONE_URL: keystone = '', CINDER_CEPH_CONF = '' } = env;
	const send = async (address: string, method: string, token: string | undefined, body?: object) => {
		const headers = {
			'content-type': 'application/json',
			'openstack-api-version': 'volume 3.54',
			...(token !== undefined && { 'x-auth-token': token }),
		};
		const response = await fetch(address, { method, headers, ...(body && { body: JSON.stringify(body) }) });
		const text = await response.text();
		return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) };
	};
	const login = async (name: string, password: string, project: string) => {
		const domain = { id: 'default' };
		const user = { name, password, domain };
		const auth = { identity: { methods: ['password'], password: { user } }, scope: { project: { name: project, domain } } };
		const { headers, json } = await send(`${keystone}/auth/tokens`, 'POST', undefined, { auth });
		return { token: headers.get('x-subject-token') ?? '', project: json.token.project.id, user: json.token.user.id };
	};
	const [own, root] = [await login('glance', 'glance', 'service'), await login('admin', 'admin', 'admin')];
	const ask: RealCinder['ask'] = (method, path, body) => send(`${url}/${own.project}${path}`, method, own.token, body);
	const idsAt = async (path: string, what: string) =>
		((await ask('GET', path)).json[what] as { readonly id: string }[]).map(({ id }) => id).toSorted();
	const namesIn = async (pool: string, user: string, conf: string) =>
		(await run('rbd', ['-c', conf, '--id', user, 'ls', pool])).stdout.split('\n').filter((name) => name !== '');
	// what the script of the Ceph below has said
	const ceph = await readFile(join(dirname(CINDER_CEPH_CONF), '../dep.ceph-cluster'), 'utf8');
	const cephConf = /^CEPH_CONF='?([^'\n]+)/m.exec(ceph)?.[1] ?? '';
	const stack = starting.move();
	return {
		missing: false,
		origin: new URL(url).origin,
		keystone,
		async holds() {
			const volumes = await idsAt('/volumes', 'volumes');
			const attachments = await idsAt('/attachments', 'attachments');
			const names = await namesIn(env.CINDER_POOL ?? '', env.CINDER_CEPH_ID ?? '', CINDER_CEPH_CONF);
			return { volumes, attachments, images: names.map((name) => name.replace(/^volume-/, '')).toSorted() };
		},
		rbd: {
			options: { rbd_store_ceph_conf: cephConf, rbd_store_user: 'glance', rbd_store_pool: 'images' },
			images: () => namesIn('images', 'glance', cephConf),
		},
		options: {
			cinder_store_auth_address: keystone,
			cinder_store_user_name: 'glance',
			cinder_store_password: 'glance',
			cinder_store_project_name: 'service',
			cinder_volume_type: env.CINDER_VOLUME_TYPE ?? '',
			cinder_rbd_ceph_conf: CINDER_CEPH_CONF,
		},
		ask,
		admin: (method, path, body) =>
			send(`${url}/${root.project}${path.replace('{project}', own.project)}`, method, root.token, body),
		async applicationCredential() {
			const body = { application_credential: { name: 'sundog' } };
			const { json } = await send(`${keystone}/users/${own.user}/application_credentials`, 'POST', own.token, body);
			return { id: json.application_credential.id, secret: json.application_credential.secret };
		},
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}
