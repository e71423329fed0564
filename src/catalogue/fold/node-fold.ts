import { ImageError } from '#domain/errors.ts';
import type { NodeAnnounce } from '#domain/ops.ts';

/** What a log says of its node; kept once a log. */
export interface NodeState {
	readonly site: string;
	readonly certificate: string;
	readonly addresses: readonly string[];
}

/**
 * The fold of a log's announcements. `site` is what the fleet's key certifies, undefined for a certificate that is not
 * valid for this log. The first valid one binds the log to its site for ever: an op's site never depends on when it is
 * looked at.
 */
export function foldNode(
	state: NodeState | undefined,
	op: NodeAnnounce,
	site: string | undefined,
): { readonly state: NodeState | undefined; readonly refusal?: ImageError } {
	if (site === undefined)
		return { state, refusal: new ImageError('forbidden', 'the certificate of this announcement is not valid for its log') };
	if (state && state.site !== site)
		return { state, refusal: new ImageError('forbidden', `a log of site ${state.site} cannot move to site ${site}`) };
	return { state: { site, certificate: op.certificate, addresses: op.addresses } };
}
