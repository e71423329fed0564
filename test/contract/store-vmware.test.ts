import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe } from 'node:test';
import { silentLog } from '#lib/log.ts';
import { vmware } from '#store/drivers/vmware.ts';
import type { StoreOptions } from '#store/options.ts';
import { realVcsim } from '../support/real-vcsim.ts';
import { describeStoreDriver, signal } from '../support/store-driver-suite.ts';

const vcsim = await realVcsim();
const missing = 'missing' in vcsim ? vcsim.missing : false;
const workDir = await mkdtemp(join(tmpdir(), 'sundog-vmware-'));
after(async () => {
	if (!('missing' in vcsim)) await vcsim[Symbol.asyncDispose]();
	await rm(workDir, { recursive: true, force: true });
});
const options: StoreOptions = 'missing' in vcsim ? {} : vcsim.options;
describeStoreDriver("vmware on govmomi's simulator", {
	manifest: vmware.manifest,
	open: () => vmware.open(options, { store: 'vsphere', log: silentLog, signal, workDir }),
	missing,
});
