import { hasAt } from '../bytes.ts';
import { danger, matched } from '../match.ts';
import { type Probe, take } from '../probe.ts';

/** QED has backing files and nobody needs it any more: it is known in order to be refused. */
export function* probeQed(): Probe {
	const head = yield* take(0, 4);
	return hasAt(head, 0, 'QED\0') ? matched('qed', null, [danger('banned', 'qed images are not accepted')]) : undefined;
}
