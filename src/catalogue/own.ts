/** This node's own log: what it refuses to write, and how it writes the rest. */
import { ImageError } from '#domain/errors.ts';
import type { Op } from '#domain/ops.ts';
import type { CommitOptions } from '#domain/ports/catalogue.ts';
import { appendEntry } from './append.ts';
import type { Draft } from './draft.ts';
import { IMAGES, NAMESPACES } from './kinds.ts';
import type { LogSigner, LogTrust } from './ports.ts';
import type { HybridClock } from './registry/clock.ts';
import { sealEntry } from './registry/entry.ts';

interface OwnParts {
	readonly signer: LogSigner;
	readonly trust: LogTrust;
	readonly clock: HybridClock;
}

/** Throws what the fold would hold against the op: a log carries no own entry without effect. */
export async function appendOwn(draft: Draft, op: Op, { signer, trust, clock }: OwnParts): Promise<void> {
	const { log } = signer;
	if (op.type !== 'node.announce' && !draft.node(log))
		throw new ImageError('forbidden', 'this node cannot change records before it has announced itself');
	const head = draft.head(log);
	const sealed = sealEntry(
		{
			log,
			seq: (head?.seq ?? 0) + 1,
			prev: head ? Buffer.from(head.hash, 'hex') : null,
			hlc: clock.tick(),
			op,
		},
		(bytes) => signer.sign(bytes),
	);
	const refusal = await appendEntry(draft, sealed, trust);
	if (refusal) throw refusal;
}

/** What does not exist has no revision that could be expected. */
export function assertExpected(draft: Draft, { expected, expectedNamespaces }: CommitOptions): void {
	for (const [id, revision] of expected ?? [])
		if (draft.record(IMAGES, id).state.image?.revision !== revision)
			throw new ImageError('conflict', `image ${id} was changed by another request`);
	for (const [name, revision] of expectedNamespaces ?? [])
		if (draft.record(NAMESPACES, name).state.namespace?.revision !== revision)
			throw new ImageError('conflict', `namespace ${name} was changed by another request`);
}
