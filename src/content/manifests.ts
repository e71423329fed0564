/** Gets the manifest of a content from whoever has it, and believes nobody: it must fold to the root that was asked for. */
import { ImageError } from '#domain/errors.ts';
import type { ContentRef } from '#domain/image.ts';
import { orAborted, throwIfAborted } from './abort.ts';
import type { ContentLimits } from './limits.ts';
import { matchesRoot } from './manifest.ts';
import type { BlockDigests, BlockSource, BlockSources } from './ports.ts';

/** What {@link BlockSources.reportBad} is told instead of a block number. */
const MANIFEST = -1;
/** Sources that failed are asked again after this, while there is time. */
const RETRY_MS = 500;

/** Verified digests. `unavailable` when no source gives them within the time a reader waits for sources. */
export async function fetchManifest(
	content: ContentRef,
	sources: BlockSources,
	limits: ContentLimits,
	signal: AbortSignal,
): Promise<BlockDigests> {
	const banned = new Set<string>();
	let deadline = performance.now() + limits.sourceWaitMs;
	for (;;) {
		const changed = nextChange(sources);
		try {
			for (const source of sources.find(content)) {
				throwIfAborted(signal, 'the read');
				if (banned.has(source.name)) continue;
				const digests = await ask(source, content, limits, signal);
				if (digests === undefined) continue;
				if (await matchesRoot(content.root, digests, content.size, content.blockSize)) return digests;
				banned.add(source.name);
				sources.reportBad(source.name, content, MANIFEST);
				deadline = performance.now() + limits.sourceWaitMs;
			}
			throwIfAborted(signal, 'the read');
			const left = deadline - performance.now();
			if (left <= 0) throw new ImageError('unavailable', `no source can give the manifest of content ${content.root} now`);
			await orAborted(changed.within(Math.min(left, RETRY_MS)), signal, 'the read');
		} finally {
			changed.stop();
		}
	}
}

async function ask(
	source: BlockSource,
	content: ContentRef,
	limits: ContentLimits,
	signal: AbortSignal,
): Promise<BlockDigests | undefined> {
	const limited = AbortSignal.any([signal, AbortSignal.timeout(limits.manifestTimeoutMs)]);
	try {
		return await orAborted(source.manifest(content, { signal: limited }), limited, 'asking for a manifest');
	} catch {
		return undefined;
	}
}

/** Follows changes from now on, so that none is missed between asking and waiting. */
function nextChange(sources: BlockSources): { within(ms: number): Promise<void>; stop(): void } {
	const change = Promise.withResolvers<void>();
	const unfollow = sources.onChange(() => change.resolve());
	let timer: NodeJS.Timeout | undefined;
	return {
		within(ms) {
			timer = setTimeout(() => change.resolve(), ms);
			return change.promise;
		},
		stop() {
			clearTimeout(timer);
			unfollow();
		},
	};
}
