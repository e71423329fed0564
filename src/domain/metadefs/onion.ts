/**
 * The controller of metadata definitions: its layers, from the outside in, each a function from one record of verbs to
 * another, as those of images (../onion.ts).
 */
import type { Catalogue } from '#domain/ports/catalogue.ts';
import type { Notifier } from '#domain/ports/notifier.ts';
import type { Policy } from '#domain/ports/policy.ts';
import { type GuardOf, type LayerOf, layered } from '../layered.ts';
import type { MetadefController } from './controller.ts';
import { authorisation } from './layers/authorisation.ts';
import { database } from './layers/database.ts';
import { notification } from './layers/notifier.ts';
import { decision } from './layers/policy.ts';
import { namespaceRepository } from './repository.ts';

export type MetadefLayer = LayerOf<MetadefController>;
export type MetadefGuard = GuardOf<MetadefController>;

export interface MetadefParts {
	readonly catalogue: Catalogue;
	readonly policy: Policy;
	readonly notifier: Notifier;
	/** UTC milliseconds */
	readonly clock: () => number;
}

export function buildMetadefController({ catalogue, policy, notifier, clock }: MetadefParts): MetadefController {
	const repository = namespaceRepository(catalogue);
	const layers: readonly (MetadefLayer | MetadefGuard)[] = [
		authorisation(repository),
		notification(repository, notifier, clock),
		decision(repository, policy),
	];
	return layered(database(repository), layers);
}
