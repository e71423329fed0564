/** Policy over the operator's files: read at start, and again whenever they change; all of them or none. */
import type { Policy } from '#domain/ports/policy.ts';
import type { Log } from '#lib/log.ts';
import { fingerprintOf, type OperatorFiles, readOperatorFiles } from './operator-files.ts';
import { createRemoteCheck } from './remote-check.ts';
import { createDecisions, logFindings } from './rule-policy.ts';
import { createRuleSet, type RuleSet } from './rule-set.ts';

export interface OpenPolicyOptions extends OperatorFiles {
	/** false: the checks that the new defaults replaced are enough too, and Glance's older looks at the owner apply. Default true */
	readonly enforceNewDefaults?: boolean;
	/** false: a token's scope is not looked at. Default true */
	readonly enforceScope?: boolean;
	/** rule of the names that have none. Default `default` */
	readonly defaultRule?: string;
	/** whether rules may ask servers: `http:` and `https:` checks. Default false: they refuse */
	readonly remoteChecks?: boolean;
	readonly log: Log;
	/** calls its argument now and then until disposed of. Default: every second */
	readonly watch?: (look: () => Promise<void>) => Disposable;
}

export interface OpenPolicy extends Policy, AsyncDisposable {
	/** Looks at the files now; resolves when what they say is in force, or has been refused and logged. */
	reload(): Promise<void>;
}

/** A few stats: a change that is a second late is early enough, and no way of writing a file escapes. */
const POLL_MS = 1000;
/** Files that change while they are read are read again, so often. */
const MAX_ATTEMPTS = 5;

/** Rejects when a file is there and cannot be read or understood: nobody wants to start with other rules than they wrote. */
export async function openPolicy(options: OpenPolicyOptions): Promise<OpenPolicy> {
	const { log, remoteChecks = false, watch = everySecond } = options;
	let seen = await fingerprintOf(options);
	let rules = await read(options);
	let complaint: string | undefined;
	let running = Promise.resolve();
	logFindings(rules, log);

	async function look(): Promise<void> {
		try {
			for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
				const before = await fingerprintOf(options);
				if (before === seen) return;
				// a file may be half written: what it says counts once it has kept still
				const found = await Promise.allSettled([read(options)]);
				if ((await fingerprintOf(options)) !== before) continue;
				seen = before;
				const [outcome] = found;
				if (outcome.status === 'rejected') throw outcome.reason;
				rules = outcome.value;
				complaint = undefined;
				logFindings(rules, log);
				log.info({}, 'policy files changed: their rules are in force');
				return;
			}
		} catch (error) {
			const reason = (error as Error).message;
			if (reason !== complaint) log.error({ reason }, 'policy files cannot be used: the rules before them stay in force');
			complaint = reason;
		}
	}
	/** One look at a time, and one more for who asks during it. */
	function reload(): Promise<void> {
		running = running.then(look);
		return running;
	}
	const decisions = createDecisions(() => rules, { ...options, ...(remoteChecks && { remote: createRemoteCheck() }) });
	const watching = watch(reload);
	return {
		...decisions,
		reload,
		async [Symbol.asyncDispose]() {
			watching[Symbol.dispose]();
			await running;
		},
	};
}

async function read(options: OpenPolicyOptions): Promise<RuleSet> {
	return createRuleSet({ ...options, overrides: await readOperatorFiles(options) });
}

function everySecond(look: () => Promise<void>): Disposable {
	let looking = false;
	const timer = setInterval(async () => {
		if (looking) return;
		looking = true;
		await look();
		looking = false;
	}, POLL_MS);
	timer.unref();
	return { [Symbol.dispose]: () => clearInterval(timer) };
}
