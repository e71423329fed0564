/** Small real parts to stand behind the peers' door: a fleet, a shelf and a feed, each with its rules and no disk. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import type { LogFeed, LogVector } from '#catalogue/ports.ts';
import type { BlockShelf, ShelfReader } from '#content/ports.ts';
import { ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import type { Membership } from '#fleet/ports.ts';

export interface TestIdentity {
	readonly seed: Uint8Array;
	readonly peer: string;
}

export async function testIdentity(seed: Uint8Array = randomBytes(32)): Promise<TestIdentity> {
	return { seed, peer: peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed)).toString() };
}

export interface TestFleet {
	/** `ttlMs` may be negative: a certificate that has run out */
	certify(peer: string, site: string, ttlMs?: number): string;
	/** The same certificate as if it had been issued for `ttlMs`: past half its life when less than half of that is left. */
	age(certificate: string, ttlMs: number): string;
	invite(site: string): string;
	/** A member's view. `keyed`: it holds the fleet's key, so it redeems and renews. */
	membership(peer: string, options?: TestMemberOptions): TestMembership;
	/** peers that every member knows by their announcements */
	readonly announced: Set<string>;
	readonly redeemed: string[];
}

export interface TestMemberOptions {
	readonly site?: string;
	readonly keyed?: boolean;
	readonly certificate?: string;
}

export interface TestMembership extends Membership {
	readonly accepted: string[];
}

/** Certificates are texts with a keyed hash: enough to be unforgeable within a test. */
export function testFleet(name = 'fleet', key: Uint8Array = randomBytes(32)): TestFleet {
	const tokens = new Map<string, { site: string; peer?: string }>();
	const announced = new Set<string>();
	const redeemed: string[] = [];
	const mac = (text: string): string => createHmac('sha256', key).update(text).digest('base64url');

	function certify(peer: string, site: string, ttlMs = 3_600_000): string {
		const text = [name, peer, site, Date.now() + ttlMs, Math.abs(ttlMs)].join('|');
		return `${text}|${mac(text)}`;
	}

	function read(peer: string, certificate: string): { site: string; left: number; ttl: number } | undefined {
		const cut = certificate.lastIndexOf('|');
		const text = certificate.slice(0, cut);
		const [, subject, site = '', expires, ttl] = text.split('|');
		const left = Number(expires) - Date.now();
		if (mac(text) !== certificate.slice(cut + 1) || subject !== peer || !(left > 0)) return undefined;
		return { site, left, ttl: Number(ttl) };
	}

	return {
		announced,
		redeemed,
		certify,
		age(certificate, ttlMs) {
			const text = [...certificate.split('|').slice(0, 4), ttlMs].join('|');
			return `${text}|${mac(text)}`;
		},
		invite(site) {
			const token = `token-${randomBytes(16).toString('base64url')}`;
			tokens.set(token, { site });
			return token;
		},
		membership(peer, { site = 'centre', keyed = false, certificate } = {}) {
			const accepted: string[] = [];
			let own = certificate ?? certify(peer, site);
			return {
				node: peer,
				site,
				fleet: name,
				accepted,
				certificate: () => own,
				admits: (other, shown) => read(other, shown)?.site,
				isMember: (other) => announced.has(other),
				async redeem(token, other) {
					const entry = tokens.get(token);
					if (!keyed || entry === undefined || (entry.peer ?? other) !== other)
						throw new ImageError('forbidden', 'the join token is not valid');
					entry.peer = other;
					redeemed.push(other);
					return certify(other, entry.site);
				},
				async renew(other, shown) {
					const claims = read(other, shown);
					return keyed && claims !== undefined && claims.left < claims.ttl / 2 ? certify(other, claims.site) : undefined;
				},
				async accept(fresh) {
					if (read(peer, fresh) === undefined) throw new ImageError('forbidden', 'the certificate is not for this node');
					accepted.push(fresh);
					own = fresh;
				},
			};
		},
	};
}

export interface TestContent {
	readonly ref: ContentRef;
	readonly bytes: Uint8Array;
	readonly digests: Uint8Array;
}

export function testContent(bytes: Uint8Array, blockSize = 1 << 20): TestContent {
	const digests: Buffer[] = [];
	for (let start = 0; start < bytes.byteLength; start += blockSize)
		digests.push(
			createHash('sha256')
				.update(bytes.subarray(start, start + blockSize))
				.digest(),
		);
	const root = `bafytest${createHash('sha256').update(bytes).digest('hex')}`;
	return { ref: { root, size: bytes.byteLength, blockSize }, bytes, digests: Buffer.concat(digests) };
}

export interface TestShelf extends BlockShelf {
	add(content: TestContent, options?: { readonly without?: readonly number[]; readonly manifest?: boolean }): void;
	/** readers that are open now */
	readonly open: (root: string) => Promise<ShelfReader | undefined>;
	readonly opened: { count: number; reads: number };
}

export function testShelf(): TestShelf {
	const contents = new Map<string, { content: TestContent; without: ReadonlySet<number>; manifest: boolean }>();
	const opened = { count: 0, reads: 0 };
	return {
		opened,
		add(content, { without = [], manifest = true } = {}) {
			contents.set(content.ref.root, { content, without: new Set(without), manifest });
		},
		async digests(root) {
			const entry = contents.get(root);
			return entry?.manifest ? { content: entry.content.ref, digests: entry.content.digests } : undefined;
		},
		async open(root) {
			const entry = contents.get(root);
			if (entry === undefined) return undefined;
			const { content, without } = entry;
			opened.count++;
			return {
				content: content.ref,
				has: (index) => !without.has(index),
				async read(index, into) {
					opened.reads++;
					if (without.has(index)) return 0;
					const start = index * content.ref.blockSize;
					const block = content.bytes.subarray(start, start + content.ref.blockSize);
					into.set(block);
					return block.byteLength;
				},
				async [Symbol.asyncDispose]() {
					opened.count--;
				},
			};
		},
	};
}

export interface TestFeed extends LogFeed {
	append(log: string, text: string): void;
	entries(log: string): readonly string[];
	/** while set, what this feed hands out is damaged on the way */
	damaged: boolean;
	readonly received: { batches: number };
}

/** Entries are `log|number|text|hash of all before`: verified, consecutive, refused when they do not fit. */
export function testFeed(): TestFeed {
	const logs = new Map<string, string[]>();
	const listeners = new Set<() => void>();
	const received = { batches: 0 };
	const chain = (log: string, number: number, text: string): string =>
		`${log}|${number}|${text}|${createHash('sha256').update(`${log}|${number}|${text}`).digest('hex')}`;
	const grown = (): void => {
		for (const listener of [...listeners]) listener();
	};
	const listOf = (log: string): string[] => {
		const list = logs.get(log) ?? [];
		logs.set(log, list);
		return list;
	};

	return {
		damaged: false,
		received,
		append(log, text) {
			const list = listOf(log);
			list.push(chain(log, list.length + 1, text));
			grown();
		},
		entries: (log) => (logs.get(log) ?? []).map((entry) => entry.split('|')[2] ?? ''),
		vector: (): LogVector => new Map([...logs].map(([log, list]) => [log, list.length])),
		async missing(have, maxBytes) {
			const entries: Uint8Array[] = [];
			let bytes = 0;
			for (const [log, list] of logs) {
				for (const entry of list.slice(have.get(log) ?? 0)) {
					if (bytes >= maxBytes) return entries;
					const encoded = new TextEncoder().encode(this.damaged ? `${entry}0` : entry);
					bytes += encoded.byteLength;
					entries.push(encoded);
				}
			}
			return entries;
		},
		async receive(entries) {
			received.batches++;
			let accepted = 0;
			let gaps = 0;
			for (const bytes of entries) {
				const entry = new TextDecoder().decode(bytes);
				const [log = '', number, text = ''] = entry.split('|');
				if (entry !== chain(log, Number(number), text)) throw new ImageError('corrupt', 'a log entry does not verify');
				const list = listOf(log);
				if (Number(number) === list.length + 1) {
					list.push(entry);
					accepted++;
				} else if (Number(number) > list.length) gaps++;
			}
			if (accepted > 0) grown();
			return { accepted, gaps };
		},
		onGrowth(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
	};
}
