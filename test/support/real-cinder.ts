/** A Cinder of its own for a test file, with everything it needs: Ceph, Keystone, RabbitMQ and MariaDB. */
import { chmod } from 'node:fs/promises';
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
}

export interface CinderReply {
	readonly status: number;
	// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies they know
	readonly json: any;
}

/** Or why there is none. */
export async function realCinder(): Promise<RealCinder | { readonly missing: string }> {
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

async function conversation({ env }: RealServer, starting: AsyncDisposableStack): Promise<RealCinder> {
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
	const stack = starting.move();
	return {
		missing: false,
		options: {
			cinder_store_auth_address: keystone,
			cinder_store_user_name: 'glance',
			cinder_store_password: 'glance',
			cinder_store_project_name: 'service',
			cinder_volume_type: env.CINDER_VOLUME_TYPE ?? '',
			cinder_rbd_ceph_conf: CINDER_CEPH_CONF,
		},
		ask: (method, path, body) => send(`${url}/${own.project}${path}`, method, own.token, body),
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
