/** How layers are put around what they wrap, whatever its verbs are. docs/decisions/0005-onion-of-functions.md */

/** Names only the verbs it changes; the others pass through. */
export type LayerOf<Verbs> = (inner: Verbs) => Partial<Verbs>;

/** A layer that must answer every verb: a new verb does not compile until each guard has spoken. */
export type GuardOf<Verbs> = (inner: Verbs) => Verbs;

/** From the outside in. Verbs are literals, not instances: spreading copies own properties only. */
export function layered<Verbs extends object>(core: Verbs, layers: readonly (LayerOf<Verbs> | GuardOf<Verbs>)[]): Verbs {
	return layers.reduceRight(wrap, core);
}

function wrap<Verbs extends object>(inner: Verbs, layer: LayerOf<Verbs> | GuardOf<Verbs>): Verbs {
	return { ...inner, ...layer(inner) };
}
