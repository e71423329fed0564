/** govmomi's vSphere simulator, built from Debian's packages: the SOAP API and two datastores that are folders of this host. */
import type { StoreOptions } from '#store/options.ts';
import { type ServerKind, startServer } from './real-servers.ts';

const VCSIM: ServerKind = {
	script: 'vcsim',
	dirVar: 'VCSIM_DIR',
	packages: ['golang-go', 'golang-github-vmware-govmomi-dev', 'curl'],
	portVars: { VCSIM_PORT: 1 },
};

export interface RealVcsim extends AsyncDisposable {
	readonly port: number;
	/** of a store on the first datastore; the simulator's certificate is signed by nobody */
	readonly options: StoreOptions;
	readonly datacenter: string;
	readonly datastores: readonly [string, string];
}

/** One for all tests of a run, or why there is none. */
export async function realVcsim(): Promise<RealVcsim | { readonly missing: string }> {
	const server = await startServer(VCSIM);
	if (server.missing !== false) return server;
	const {
		VSPHERE_URL = '',
		VSPHERE_USER = '',
		VSPHERE_PASSWORD = '',
		VSPHERE_DATACENTER = '',
		VSPHERE_DATASTORES = '',
	} = server.env;
	const [first = '', second = ''] = VSPHERE_DATASTORES.split(',');
	const { host, port } = new URL(VSPHERE_URL);
	return {
		port: Number(port),
		datacenter: VSPHERE_DATACENTER,
		datastores: [first, second],
		options: {
			vmware_server_host: host,
			vmware_server_username: VSPHERE_USER,
			vmware_server_password: VSPHERE_PASSWORD,
			vmware_datastores: [`${VSPHERE_DATACENTER}:${first}`],
			vmware_insecure: 'true',
			vmware_task_poll_interval: '1',
		},
		[Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
	};
}
