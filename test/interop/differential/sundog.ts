/** The server under test: a whole node, on equal terms with the reference (the same Keystone, the same reading of its rules). */
import { startNode } from '../../support/node-process.ts';
import type { ReferenceCloud } from '../../support/reference.ts';
import { temporaryDir } from '../../support/temporary-dir.ts';

export interface Sundog extends AsyncDisposable {
	readonly url: string;
	readonly dataDir: string;
	/** what it has said on standard error */
	log(): string;
}

const READY_TIMEOUT_MS = 60_000;

export async function startSundog(cloud: ReferenceCloud, settings: Readonly<Record<string, string>> = {}): Promise<Sundog> {
	const dir = await temporaryDir();
	const isNew = cloud.glanceOption('enforce_new_defaults') === 'true' ? 'true' : 'false';
	const node = await startNode({
		dataDir: dir.path,
		readyTimeoutMs: READY_TIMEOUT_MS,
		env: {
			...keystoneSettings(cloud),
			SUNDOG_POLICY_ENFORCE_NEW_DEFAULTS: isNew,
			SUNDOG_POLICY_ENFORCE_SCOPE: isNew,
			SUNDOG_API_REFUSE_ASTRAL: 'true',
			SUNDOG_CACHE: 'true',
			...settings,
		},
	});
	return {
		url: node.http,
		dataDir: node.dataDir,
		log: node.log,
		async [Symbol.asyncDispose]() {
			await node.stop();
			await dir[Symbol.asyncDispose]();
		},
	};
}

/** As the reference's own Glance: its service user, and the endpoint that stands for the image service. */
function keystoneSettings(cloud: ReferenceCloud): Record<string, string> {
	return {
		SUNDOG_AUTH: 'keystone',
		SUNDOG_KEYSTONE_URL: cloud.keystone,
		SUNDOG_KEYSTONE_USERNAME: cloud.glanceOption('username') ?? '',
		SUNDOG_KEYSTONE_PASSWORD: cloud.glanceOption('password') ?? '',
	};
}
