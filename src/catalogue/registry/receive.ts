/** Entries that come from others: believed for their signatures and chains, whoever brought them. */
import { setImmediate as turn } from 'node:timers/promises';
import { ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import { appendEntry } from '../append.ts';
import type { Draft } from '../draft.ts';
import type { LogTrust } from '../ports.ts';
import { compareHlc, type HybridClock } from './clock.ts';
import { openEntry, type SealedEntry } from './entry.ts';

/** Signatures checked before other work gets its turn. */
const ENTRIES_A_TURN = 16;

interface Received {
	readonly accepted: number;
	readonly gaps: number;
	/** what ended the batch; what came before it is taken */
	readonly corrupt?: ImageError;
}

interface ReceiveParts {
	readonly trust: LogTrust;
	readonly clock: HybridClock;
	readonly log: Log;
}

export async function receiveEntries(draft: Draft, envelopes: readonly Uint8Array[], parts: ReceiveParts): Promise<Received> {
	let accepted = 0;
	let gaps = 0;
	for (const [index, envelope] of envelopes.entries()) {
		if (index % ENTRIES_A_TURN === ENTRIES_A_TURN - 1) await turn();
		try {
			const outcome = await receiveOne(draft, envelope, parts);
			if (outcome === 'accepted') accepted++;
			if (outcome === 'gap') gaps++;
		} catch (error) {
			if (error instanceof ImageError && error.code === 'corrupt') return { accepted, gaps, corrupt: error };
			throw error;
		}
	}
	return { accepted, gaps };
}

async function receiveOne(draft: Draft, envelope: Uint8Array, parts: ReceiveParts): Promise<'accepted' | 'held' | 'gap'> {
	const sealed = openEntry(envelope);
	const { entry } = sealed;
	const head = draft.head(entry.log);
	const held = head?.seq ?? 0;
	if (entry.seq <= held) {
		assertSame(draft, sealed, parts);
		return 'held';
	}
	if (entry.seq > held + 1) return 'gap';
	assertSigned(sealed, parts.trust);
	if (head && Buffer.from(entry.prev ?? []).toString('hex') !== head.hash) {
		reportFork(sealed, parts.log);
		throw new ImageError('corrupt', `entry ${entry.seq} of log ${entry.log} does not follow the entry before it`);
	}
	if (head && compareHlc(entry.hlc, head.hlc) <= 0)
		throw new ImageError('corrupt', `entry ${entry.seq} of log ${entry.log} is not later than the entry before it`);
	if (!head) assertBeginning(sealed, parts.trust);
	if (parts.clock.tooFarAhead(entry.hlc)) {
		parts.log.warn({ log: entry.log, seq: entry.seq, ms: entry.hlc[0] }, 'an entry from the future waits for its time');
		return 'gap';
	}
	parts.clock.observe(entry.hlc);
	await appendEntry(draft, sealed, parts.trust);
	return 'accepted';
}

/** An entry held already must be the one that is held: two entries in one place are a forked log. */
function assertSame(draft: Draft, sealed: SealedEntry, { trust, log }: ReceiveParts): void {
	const { entry, envelope, hash } = sealed;
	const ours = draft.entry(entry.log, entry.seq);
	if (!ours || Buffer.compare(ours, envelope) === 0) return;
	assertSigned(sealed, trust);
	if (Buffer.compare(openEntry(ours).hash, hash) === 0) return;
	reportFork(sealed, log);
	throw new ImageError('corrupt', `log ${entry.log} has two entries ${entry.seq}`);
}

function assertSigned({ entry, signed, signature }: SealedEntry, trust: LogTrust): void {
	if (!trust.verify(entry.log, signed, signature))
		throw new ImageError('corrupt', `entry ${entry.seq} of log ${entry.log} is not signed by its node`);
}

function assertBeginning({ entry }: SealedEntry, trust: LogTrust): void {
	if (entry.op.type !== 'node.announce' || trust.siteOf(entry.log, entry.op.certificate) === undefined)
		throw new ImageError('corrupt', `log ${entry.log} does not begin with a valid announcement of its node`);
}

function reportFork({ entry }: SealedEntry, log: Log): void {
	log.warn({ log: entry.log, seq: entry.seq }, 'a node signed two histories of its log; the one held stays');
}
