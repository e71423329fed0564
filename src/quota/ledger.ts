/**
 * What is promised to requests under way. Nothing here waits: whoever looks and then takes, without waiting in
 * between, has done both in one step.
 *
 * What is held for an image counts only beyond what the image itself costs its owner by now: before the commit all of
 * it, afterwards nothing, and if the image is deleted meanwhile all of it again, for as long as its bytes still come.
 * So nothing is counted twice and nothing is left out, and nobody has to say when a commit became visible.
 */
import type { ImageId } from '#domain/image.ts';
import type { Catalogue } from '#domain/ports/catalogue.ts';
import { beyond, difference, NO_USAGE, sum, type Usage, usageOf } from '#domain/usage.ts';

export type Counted = Pick<Catalogue, 'image' | 'usage'>;

export interface Ledger {
	/** Holds nothing yet. */
	open(image: ImageId, owner: string | null): Hold;
	/** held for this owner, and not yet part of what the owner uses */
	outstanding(owner: string | null): Usage;
}

export interface Hold extends Disposable {
	readonly taken: Usage;
	/** what its owner uses and what is held for them, were this hold to take so much */
	standingWith(taken: Usage): Usage;
	take(taken: Usage): void;
	/** The one hold of its owner that may pass a limit is this one from now on; false when there is another. */
	pass(): boolean;
}

/** The holds of one owner. */
interface Account {
	readonly holds: Set<Entry>;
	/** the owner's use when `outstanding` was last added up: it is right for as long as that is the same object */
	seen: Usage;
	outstanding: Usage;
	passing: Entry | undefined;
}

interface Entry {
	readonly image: ImageId;
	taken: Usage;
	/** what the image cost its owner when its account was added up */
	cost: Usage;
}

export function createLedger(counted: Counted): Ledger {
	const accounts = new Map<string | null, Account>();

	function accountOf(owner: string | null): Account {
		const known = accounts.get(owner);
		if (known !== undefined) return known;
		const account = { holds: new Set<Entry>(), seen: counted.usage(owner), outstanding: NO_USAGE, passing: undefined };
		accounts.set(owner, account);
		return account;
	}

	function costOf(image: ImageId, owner: string | null): Usage {
		const found = counted.image(image);
		return found?.owner === owner ? usageOf(found) : NO_USAGE;
	}

	/** Adds the account up anew when the owner's use has changed: some image of theirs has, maybe one that is held for. */
	function upToDate(account: Account, owner: string | null): Usage {
		const usage = counted.usage(owner);
		if (usage === account.seen) return usage;
		account.seen = usage;
		account.outstanding = NO_USAGE;
		for (const entry of account.holds) {
			entry.cost = costOf(entry.image, owner);
			account.outstanding = sum(account.outstanding, beyond(entry.taken, entry.cost));
		}
		return usage;
	}

	return {
		open(image, owner) {
			const account = accountOf(owner);
			const entry: Entry = { image, taken: NO_USAGE, cost: costOf(image, owner) };
			account.holds.add(entry);
			const outstandingWith = (taken: Usage) =>
				sum(account.outstanding, difference(beyond(taken, entry.cost), beyond(entry.taken, entry.cost)));
			function take(taken: Usage): void {
				upToDate(account, owner);
				account.outstanding = outstandingWith(taken);
				entry.taken = taken;
			}
			return {
				get taken() {
					return entry.taken;
				},
				standingWith: (taken) => sum(upToDate(account, owner), outstandingWith(taken)),
				take,
				pass() {
					account.passing ??= entry;
					return account.passing === entry;
				},
				[Symbol.dispose]() {
					if (!account.holds.has(entry)) return;
					take(NO_USAGE);
					account.holds.delete(entry);
					if (account.passing === entry) account.passing = undefined;
					if (account.holds.size === 0) accounts.delete(owner);
				},
			};
		},
		outstanding(owner) {
			const account = accounts.get(owner);
			if (account === undefined) return NO_USAGE;
			upToDate(account, owner);
			return account.outstanding;
		},
	};
}
