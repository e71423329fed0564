/** From what Cinder says of an attachment to the RBD image behind it. Volumes of other backends are refused. */
import { ImageError } from '#domain/errors.ts';
import { type Cluster, connect } from '#store/drivers/rbd/cluster.ts';
import { type LastingConnection, lastingConnection } from '#store/drivers/rbd/reconnect.ts';
import type { Attachment } from './volumes.ts';

export interface Connections extends AsyncDisposable {
	/** The connection stays open until the work has ended. */
	use<T>(attachment: Attachment, work: (cluster: Cluster, image: string) => Promise<T>): Promise<T>;
	current(attachment: Attachment): Promise<{ readonly cluster: Cluster; readonly image: string }>;
}

/** One for each pool and user that Cinder names. */
export function createConnections(confFile: string | undefined): Connections {
	const opened = new Map<string, Promise<LastingConnection>>();

	function connection({ pool, user }: Target): Promise<LastingConnection> {
		const key = JSON.stringify([pool, user]);
		let found = opened.get(key);
		if (found === undefined) {
			found = lastingConnection(() => connect({ confFile, user, pool, connectSeconds: undefined }));
			opened.set(key, found);
			found.catch(() => opened.delete(key));
		}
		return found;
	}
	return {
		async use(attachment, work) {
			const target = targetOf(attachment);
			return (await connection(target)).use((cluster) => work(cluster, target.image));
		},
		async current(attachment) {
			const target = targetOf(attachment);
			return { cluster: await (await connection(target)).current(), image: target.image };
		},
		async [Symbol.asyncDispose]() {
			const all = await Promise.allSettled(opened.values());
			await Promise.all(all.map((each) => (each.status === 'fulfilled' ? each.value[Symbol.asyncDispose]() : undefined)));
		},
	};
}

interface Target {
	readonly pool: string;
	readonly image: string;
	readonly user: string;
}

function targetOf({ connection }: Attachment): Target {
	const { driver_volume_type: type, encrypted, name, auth_username: user } = connection;
	if (type !== 'rbd') throw new ImageError('store-failed', `volumes of the kind ${word(type)} cannot be attached here, only rbd`);
	if (encrypted === true) throw new ImageError('store-failed', 'encrypted volumes cannot be attached here');
	const [, pool, image] = /^([^/@\0]{1,255})\/([^/@\0]{1,255})$/.exec(String(name)) ?? [];
	if (pool === undefined || image === undefined || typeof user !== 'string')
		throw new ImageError('store-failed', 'cinder does not say how to connect to Ceph');
	return { pool, image, user };
}

function word(value: unknown): string {
	return /^[\w.-]{1,40}/.exec(String(value))?.[0] ?? 'unknown';
}
