import type { RequestContext } from '../context.ts';

/**
 * Decides by rule name and target alone. Rule names are Glance's (`add_image`, `get_image`, …). The answer is no for a
 * token whose scope the rule does not take, for a rule that cannot be evaluated, and for a name that has no rule where
 * there is no default rule either.
 */
export interface Policy {
	/** From what is known here: a rule that has to ask a remote server says no. */
	allows(ctx: RequestContext, rule: string, target: PolicyTarget): boolean;
	/** As `allows`, and asks the servers that rules name (`http:` checks). Never rejects: who cannot be asked says no. */
	decide(ctx: RequestContext, rule: string, target: PolicyTarget): Promise<boolean>;
}

/** What a rule may look at: Glance's names (project_id, owner, visibility, member_id, image attributes) and JSON values. */
export type PolicyTarget = Readonly<Record<string, unknown>>;
