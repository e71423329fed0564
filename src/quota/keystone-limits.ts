/** Unified limits as Keystone keeps them: registered for a service in a region, and set for single projects. */
import { ImageError } from '#domain/errors.ts';
import { UNIFIED_RESOURCES, type UnifiedResource } from '#domain/ports/quota.ts';
import type { Keystone } from '#keystone/ports.ts';
import type { Log } from '#lib/log.ts';
import { askFor, numberOf, type Row } from './answers.ts';
import { freshAnswers } from './fresh-answers.ts';
import type { UnifiedLimits } from './ports.ts';
import { findWhose, type Whose, type WhoseLimits } from './whose-limits.ts';

export interface KeystoneLimitsOptions {
	readonly keystone: Keystone;
	readonly whose: WhoseLimits;
	readonly log: Log;
}

/**
 * Asks every time, since a limit that an operator has changed counts at once. Disposal ends what is being asked.
 * A service without any registered limit is looked for anew: it may have been made again under another id.
 */
export function createKeystoneLimits({ keystone, whose, log }: KeystoneLimitsOptions): UnifiedLimits & Disposable {
	const life = new AbortController();
	const fresh = freshAnswers<Readonly<Record<UnifiedResource, number>>>();
	const missing = new Set<UnifiedResource>();
	let found: Whose | undefined;
	let complained = false;

	async function ask(project: string | null) {
		const { signal } = life;
		const filter = found ?? (await find(signal));
		const [registered, own] = await Promise.all([
			askFor(keystone, '/registered_limits', filter, 'registered_limits', signal),
			project === null ? [] : askFor(keystone, '/limits', { ...filter, project_id: project }, 'limits', signal),
		]);
		if (registered.length === 0) found = undefined;
		const ofProject = own.filter((row) => row.project_id === project);
		const limits = UNIFIED_RESOURCES.map((name) => [name, limitOf(name, ofProject, registered)]);
		return Object.fromEntries(limits) as Readonly<Record<UnifiedResource, number>>;
	}

	async function find(signal: AbortSignal): Promise<Whose> {
		try {
			found = await findWhose(keystone, whose, signal);
			complained = false;
			return found;
		} catch (error) {
			if (!complained) log.error({ err: error }, 'unified limits cannot be found in keystone: what they limit is refused');
			complained = true;
			throw error;
		}
	}

	/** As oslo.limit: what nobody has registered, nobody may have. */
	function limitOf(name: UnifiedResource, own: readonly Row[], registered: readonly Row[]): number {
		const named = (row: Row) => row.resource_name === name;
		const ofProject = own.find(named);
		if (ofProject !== undefined) return numberOf(ofProject.resource_limit);
		const ofAll = registered.find(named);
		if (ofAll !== undefined) missing.delete(name);
		else if (!missing.has(name)) {
			missing.add(name);
			log.error({ resource: name }, 'no limit is registered in keystone for this resource: nobody may have any of it');
		}
		return ofAll === undefined ? 0 : numberOf(ofAll.default_limit);
	}

	return {
		of: (project, { signal }) => fresh(project === null ? '-' : `p${project}`, signal, () => ask(project)),
		[Symbol.dispose]: () => life.abort(new ImageError('unavailable', 'the node is being stopped')),
	};
}
