/** A fleet of whole nodes on loopback, each with its own process and data directory, gone when the test is. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createImageClient, type ImageClient } from './image-client.ts';
import { type NodeOptions, type NodeProcess, startNode } from './node-process.ts';
import { temporaryDir } from './temporary-dir.ts';

export interface Member {
	/** the process that runs now; replaced by `Fleet.revive` */
	node: NodeProcess;
	client: ImageClient;
}

export interface Fleet extends AsyncDisposable {
	/** for files of the test itself */
	readonly dir: string;
	/** The first node, alone and its own centre. */
	centre(options?: Partial<NodeOptions>): Promise<Member>;
	/** A new node with a token of `centre`, dialling `options.bootstrap` (default: the centre). */
	join(centre: Member, site: string, options?: Partial<NodeOptions>): Promise<Member>;
	/** Starts an ended member again on its data directory and ports. */
	revive(member: Member, changes?: Partial<NodeOptions>): Promise<void>;
}

export async function createFleet(): Promise<Fleet> {
	const resources = new AsyncDisposableStack();
	const { path: dir } = resources.use(await temporaryDir());
	let nodes = 0;

	const add = async (options: NodeOptions): Promise<Member> => {
		const node = await startNode(options);
		const member: Member = { node, client: createImageClient(node.http) };
		resources.defer(async () => {
			member.client[Symbol.dispose]();
			await member.node[Symbol.asyncDispose]();
		});
		return member;
	};
	const newDir = async (site: string) => {
		const path = join(dir, `${++nodes}-${site}`);
		await mkdir(path);
		return path;
	};
	return {
		dir,
		centre: async (options) => add({ dataDir: await newDir('centre'), ...options }),
		async join(centre, site, options) {
			const token = await centre.node.invite(site);
			return add({ dataDir: await newDir(site), site, join: token, bootstrap: [centre.node.peer], ...options });
		},
		async revive(member, changes) {
			member.client[Symbol.dispose]();
			member.node = await member.node.restart(changes);
			member.client = createImageClient(member.node.http);
		},
		[Symbol.asyncDispose]: () => resources.disposeAsync(),
	};
}

/** A multiaddr of a node, led through a local port (of a proxy) instead. */
export function throughPort(address: string, port: number): string {
	return address.replace(/\/tcp\/\d+/, `/tcp/${port}`);
}

export function portOf(address: string): number {
	return Number(address.match(/\/tcp\/(\d+)/)?.[1]);
}
