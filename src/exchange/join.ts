/** How a new node gets its first certificate: it dials, shows its one-time token by hello, and hangs up. */
import { multiaddr } from '@multiformats/multiaddr';
import { codeOf, ImageError } from '#domain/errors.ts';
import type { Log } from '#lib/log.ts';
import { peerOf } from './dialler.ts';
import { failureOf } from './failures.ts';
import { createHost } from './host.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { redeem } from './protocols/hello/client.ts';

export interface JoinOptions {
	/** 32 bytes: the ed25519 private seed of the node that joins */
	readonly seed: Uint8Array;
	/** multiaddrs with /p2p/, tried in order */
	readonly bootstrap: readonly string[];
	readonly token: string;
	readonly signal: AbortSignal;
	readonly log: Log;
}

/**
 * The certificate for the token, unverified: the caller checks it against the fleet's key that the token pins.
 * `forbidden` with the peer's reason when it refuses the token, `unavailable` when no peer could be reached.
 */
export async function joinFleet(options: JoinOptions): Promise<{ readonly certificate: string; readonly peer: string }> {
	const { seed, bootstrap, token, log } = options;
	if (bootstrap.length === 0) throw new ImageError('invalid', 'a join token needs the address of a peer to present it to');
	const peers = bootstrap.map((address) => ({ peer: peerOf(address), address: multiaddr(address) }));
	const { node: host } = await createHost({ seed, listen: [], gater: {}, limits: DEFAULT_LIMITS, log });
	await host.start();
	let failure: ImageError | undefined;
	try {
		for (const { address, peer } of peers) {
			options.signal.throwIfAborted();
			const signal = AbortSignal.any([
				options.signal,
				AbortSignal.timeout(DEFAULT_LIMITS.dialTimeoutMs + DEFAULT_LIMITS.helloTimeoutMs),
			]);
			try {
				const connection = await host.dial(address, { signal });
				return { certificate: await redeem(connection, token, signal), peer };
			} catch (error) {
				options.signal.throwIfAborted();
				const latest = failureOf(error, `joining at ${address}`);
				log.info({ address: address.toString(), reason: latest.message }, 'a peer did not take the join token');
				// a reason that a peer gave says more than that another one was not there
				if (failure === undefined || codeOf(failure) !== 'forbidden') failure = latest;
			}
		}
	} finally {
		await host.stop();
	}
	throw failure ?? new ImageError('unavailable', 'no peer could be reached to join the fleet');
}
