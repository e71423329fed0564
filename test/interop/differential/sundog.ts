/**
 * The server under test: a whole node, on equal terms with the reference: the same Keystone, the same reading of its rules,
 * stores of the same names, the same imports.
 */
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { type NodeOptions, type NodeProcess, startNode } from '../../support/node-process.ts';
import type { ReferenceCloud } from '../../support/reference.ts';
import { temporaryDir } from '../../support/temporary-dir.ts';

export interface Sundog extends AsyncDisposable {
	readonly url: string;
	readonly dataDir: string;
	/** what it has said on standard error */
	log(): string;
	/** A second node of its site, with the same settings and so the same stores; it has to go before this one. */
	colleague(): Promise<Sundog>;
}

const READY_TIMEOUT_MS = 60_000;

export async function startSundog(cloud: ReferenceCloud, settings: Readonly<Record<string, string>> = {}): Promise<Sundog> {
	const dir = await temporaryDir();
	const isNew = cloud.glanceOption('enforce_new_defaults') === 'true' ? 'true' : 'false';
	const port = await freePort();
	const env = {
		...keystoneSettings(cloud),
		SUNDOG_POLICY_ENFORCE_NEW_DEFAULTS: isNew,
		SUNDOG_POLICY_ENFORCE_SCOPE: isNew,
		SUNDOG_API_REFUSE_ASTRAL: 'true',
		SUNDOG_CACHE: 'true',
		// The reference looks at no bytes.
		SUNDOG_FORMATS_REQUIRE_MATCH: 'false',
		...storesIn(dir.path, cloud),
		...importSettings(cloud, port),
		...settings,
	};
	const start = (options: Omit<NodeOptions, 'env'>) => startNode({ ...options, env, readyTimeoutMs: READY_TIMEOUT_MS });
	const node = await start({ dataDir: join(dir.path, 'node'), listen: `127.0.0.1:${port}` });
	const colleague = async (): Promise<Sundog> => {
		const token = await node.invite(node.ready.site);
		const options = { site: node.ready.site, join: token, bootstrap: [node.peer] };
		const other = await start({ dataDir: join(dir.path, `node-${token.slice(-8)}`), ...options });
		return { ...faceOf(other), colleague, [Symbol.asyncDispose]: async () => void (await other.stop()) };
	};
	return {
		...faceOf(node),
		colleague,
		async [Symbol.asyncDispose]() {
			await node.stop();
			await dir[Symbol.asyncDispose]();
		},
	};
}

const faceOf = ({ http, dataDir, log }: NodeProcess) => ({ url: http, dataDir, log });

/** As the reference's own Glance: its service user, and the endpoint that stands for the image service. */
function keystoneSettings(cloud: ReferenceCloud): Record<string, string> {
	return {
		SUNDOG_AUTH: 'keystone',
		SUNDOG_KEYSTONE_URL: cloud.keystone,
		SUNDOG_KEYSTONE_USERNAME: cloud.glanceOption('username') ?? '',
		SUNDOG_KEYSTONE_PASSWORD: cloud.glanceOption('password') ?? '',
	};
}

function storesIn(dir: string, { web }: ReferenceCloud): Record<string, string> {
	return {
		SUNDOG_STORES: 'fast:file,slow:file,web:http',
		SUNDOG_DEFAULT_STORE: 'fast',
		SUNDOG_STORE_FAST_FILESYSTEM_STORE_DATADIR: join(dir, 'fast'),
		SUNDOG_STORE_FAST_DESCRIPTION: 'fast file store',
		SUNDOG_STORE_SLOW_FILESYSTEM_STORE_DATADIR: join(dir, 'slow'),
		SUNDOG_STORE_SLOW_DESCRIPTION: 'slow file store',
		SUNDOG_STORE_WEB_DESCRIPTION: 'read-only http store',
		// the reference's web server is on this machine
		SUNDOG_STORE_WEB_HTTP_ALLOWED_HOSTS: '127.0.0.1',
		SUNDOG_STORE_WEB_HTTP_ALLOWED_PORTS: new URL(web).port,
		SUNDOG_API_SHOW_SITES: 'false',
		SUNDOG_API_SHOW_DIRECT_URL: 'true',
		SUNDOG_API_SHOW_MULTIPLE_LOCATIONS: 'true',
	};
}

/** From the servers of this machine that the reference may fetch from. */
function importSettings(cloud: ReferenceCloud, own: number): Record<string, string> {
	const ports = [cloud.web, cloud.glance].map((url) => new URL(url).port);
	return {
		SUNDOG_IMPORT_METHODS: 'glance-direct,web-download,copy-image,glance-download',
		SUNDOG_IMPORT_ALLOWED_HOSTS: '127.0.0.1,localhost',
		SUNDOG_IMPORT_ALLOWED_PORTS: ['80', '443', ...ports, own].join(),
	};
}
