import type { RequestContext } from '../context.ts';

/** Decides by rule name and target alone. Rule names are Glance's (`add_image`, `get_image`, …). */
export interface Policy {
	allows(ctx: RequestContext, rule: string, target: PolicyTarget): boolean;
}

/** What a rule may look at: Glance's names (project_id, owner, visibility, member_id, image attributes). */
export type PolicyTarget = Readonly<Record<string, string | null>>;
