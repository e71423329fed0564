/** A whole peers' door over loopback TCP with small real parts behind it. */
import type { Limits } from '#exchange/limits.ts';
import { startPeerExchange } from '#exchange/peer-exchange.ts';
import type { PeerExchange } from '#exchange/ports.ts';
import { silentLog } from '#lib/log.ts';
import { eventually } from './eventually.ts';
import {
	type TestFeed,
	type TestFleet,
	type TestIdentity,
	type TestMembership,
	type TestShelf,
	testFeed,
	testIdentity,
	testShelf,
} from './exchange-parts.ts';

export interface TestNode extends AsyncDisposable {
	readonly identity: TestIdentity;
	readonly membership: TestMembership;
	readonly exchange: PeerExchange;
	readonly feed: TestFeed;
	readonly shelf: TestShelf;
	/** root → peers that announced it */
	readonly holders: Map<string, string[]>;
	/** what `mayServe` says */
	readonly forbidden: Set<string>;
	address(): string;
}

export interface TestNodeOptions {
	readonly fleet: TestFleet;
	readonly site?: string;
	readonly keyed?: boolean;
	readonly certificate?: (peer: string) => string;
	readonly identity?: TestIdentity;
	readonly bootstrap?: readonly TestNode[];
	readonly listen?: readonly string[];
	readonly limits?: Partial<Limits>;
	readonly noise?: 'tuned' | 'stock';
}

export async function startTestNode(options: TestNodeOptions): Promise<TestNode> {
	const { fleet, site = 'centre', keyed = false, bootstrap = [], limits = {}, noise } = options;
	const identity = options.identity ?? (await testIdentity());
	const certificate = options.certificate?.(identity.peer);
	const membership = fleet.membership(identity.peer, { site, keyed, ...(certificate !== undefined && { certificate }) });
	const feed = testFeed();
	const shelf = testShelf();
	const holders = new Map<string, string[]>();
	const forbidden = new Set<string>();
	const exchange = await startPeerExchange({
		seed: identity.seed,
		listen: options.listen ?? ['/ip4/127.0.0.1/tcp/0'],
		bootstrap: bootstrap.map((node) => node.address()),
		membership,
		nodes: () => [],
		onNodes: () => () => {},
		feed,
		shelf,
		mayServe: (_peer, root) => !forbidden.has(root),
		holders: (root) => holders.get(root) ?? [],
		log: silentLog,
		limits: { redialMinMs: 20, redialMaxMs: 200, coolDownMs: 100, ...limits },
		...(noise !== undefined && { noise }),
	});
	return {
		identity,
		membership,
		exchange,
		feed,
		shelf,
		holders,
		forbidden,
		address() {
			const [address] = exchange.addresses();
			if (address === undefined) throw new Error('the node does not listen');
			return address;
		},
		[Symbol.asyncDispose]: () => exchange[Symbol.asyncDispose](),
	};
}

/** Waits until both know each other as members. */
export async function meet(a: TestNode, b: TestNode): Promise<void> {
	const knows = (one: TestNode, other: TestNode): boolean =>
		one.exchange.peers().some(({ node }) => node === other.identity.peer);
	await eventually('both nodes to be connected', () => (knows(a, b) && knows(b, a) ? true : undefined));
}
