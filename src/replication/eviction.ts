/**
 * Takes whole contents off this node, and never the last copy of one. What others say they hold is old news, so that two
 * nodes could each rely on the other and both let go. Therefore holders of an image are ranked, the same on every node:
 * those of its own site first, then by name; and a node lets go only while one of higher rank holds the image, is
 * connected, and gives its list of blocks when asked. Whoever ranks highest keeps what it has, so one copy always stays.
 * docs/decisions/0014-the-cache.md
 */
import type { BlockSources, ContentStore } from '#content/ports.ts';
import type { Copy, Image } from '#domain/image.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { Log } from '#lib/log.ts';
import type { Origins } from './origins.ts';

export interface Eviction {
	/** Resolves when those that may go have gone; which ones. */
	evict(roots: ReadonlySet<string>): Promise<readonly string[]>;
}

export interface EvictionOptions {
	readonly catalogue: Pick<Catalogue, 'image' | 'imagesOf' | 'nodes' | 'commit'>;
	readonly content: Pick<ContentStore, 'collect' | 'presence' | 'hollow'>;
	readonly origins: Pick<Origins, 'holds'>;
	readonly sources: Pick<BlockSources, 'find'>;
	readonly node: string;
	readonly site: string;
	readonly log: Log;
}

const ASK_TIMEOUT_MS = 5000;

export function createEviction({ catalogue, content, sources, origins, node, site, log }: EvictionOptions): Eviction {
	/** Of every image with this content: ranks differ between them. */
	async function mayGo(root: string, images: readonly Image[]): Promise<boolean> {
		if (images.some(({ staged }) => staged?.content.root === root)) return false;
		for (const image of images) if (!(await isHeldAbove(image))) return false;
		return true;
	}

	async function isHeldAbove(image: Image): Promise<boolean> {
		const { content: ref } = image;
		if (ref === null) return false;
		const sites = new Map(catalogue.nodes().map((each) => [each.node, each.site]));
		const rank = (of: string, ofSite: string | undefined) => `${ofSite === image.site ? 1 : 0} ${of}`;
		const above = image.copies
			.filter((copy) => copy.kind === 'site' && sites.has(copy.node))
			.filter((copy) => rank(copy.node, sites.get(copy.node)) > rank(node, site))
			.map((copy) => copy.node);
		for (const source of sources.find(ref)) {
			if (!above.includes(source.name)) continue;
			const answers = source.manifest(ref, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
			if (await answers.then(isList, () => false)) return true;
		}
		return false;
	}

	const isOwn = ({ kind, node: of }: Copy): boolean => kind === 'site' && of === node;

	/** The log says what is: before the bytes go nobody may rely on them any more, and what could not go is held again. */
	async function say(root: string, held: boolean): Promise<void> {
		for (const { id, copies } of await catalogue.imagesOf(root)) {
			if (copies.some(isOwn) === held) continue;
			await catalogue.commit([
				held ? { type: 'copy.add', id, store: site, kind: 'site' } : { type: 'copy.drop', id, store: site },
			]);
		}
	}

	/** What a store of this node has whole, and gives block by block, leaves only what verifies it. */
	async function hollow(roots: ReadonlySet<string>): Promise<readonly string[]> {
		const hollowed: string[] = [];
		for (const root of roots) {
			const images = await catalogue.imagesOf(root);
			const ref = images.find((image) => image.content?.root === root)?.content;
			if (ref == null || images.some(({ staged }) => staged?.content.root === root)) continue;
			if (!(await origins.holds(ref, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) }))) continue;
			await say(root, false);
			await content.hollow(ref);
			const stays = content.presence(root) === 'complete';
			if (stays) await say(root, true);
			else hollowed.push(root);
		}
		return hollowed;
	}

	return {
		async evict(asked) {
			const hollowed = await hollow(asked);
			const roots = new Set([...asked].filter((root) => !hollowed.includes(root)));
			const going = new Set<string>();
			const hopeful = new Set<string>();
			for (const root of roots) if (await mayGo(root, await catalogue.imagesOf(root))) hopeful.add(root);
			// A collection looks at everything there is.
			if (hopeful.size === 0) return hollowed;
			// The collector spares what is pinned or was since it began: an upload of the same bytes meanwhile, for one.
			await content.collect(async (root) => {
				if (!hopeful.has(root) || !(await mayGo(root, await catalogue.imagesOf(root)))) return true;
				await say(root, false);
				going.add(root);
				return false;
			});
			for (const root of going) await say(root, content.presence(root) === 'complete');
			const gone = [...going].filter((root) => content.presence(root) === 'none');
			log.info({ asked: asked.size, gone: gone.length + hollowed.length }, 'contents left the cache');
			return [...hollowed, ...gone];
		},
	};
}

function isList(digests: Uint8Array): boolean {
	return digests.length > 0;
}
