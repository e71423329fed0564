import type { RequestContext } from '../context.ts';

/** Decides by rule name and target alone. Rule names are Glance's (`add_image`, `get_image`, …). */
export interface Policy {
	/** False for a token whose scope the rule does not take, and for a name that has no rule and no default rule. */
	allows(ctx: RequestContext, rule: string, target: PolicyTarget): boolean;
}

/** What a rule may look at: Glance's names (project_id, owner, visibility, member_id, image attributes) and JSON values. */
export type PolicyTarget = Readonly<Record<string, unknown>>;
