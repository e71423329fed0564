/** The caller as rules see them: the names of oslo.context's policy values, and `system`, which oslo.policy adds. */
import type { RequestContext, ServiceFacts, TokenFacts } from '#domain/context.ts';
import type { JsonObject } from './evaluate.ts';

/**
 * One difference to Glance, for safety: what a caller does not have is absent instead of null. To Glance a caller
 * without project and an image without owner are both the text `None`, and so the one owns the other.
 */
export function credentialsOf(ctx: RequestContext): JsonObject {
	const { user, project, roles, token } = ctx;
	return Object.fromEntries(
		Object.entries({ user_id: user, project_id: project, roles, ...ofToken(token), ...ofService(token?.service ?? null) }).filter(
			([, value]) => value !== null && value !== undefined,
		),
	);
}

function ofToken(token: TokenFacts | undefined): JsonObject {
	return {
		user_domain_id: token?.userDomain,
		project_domain_id: token?.projectDomain,
		domain_id: token?.domain,
		system_scope: token?.systemScope,
		system: token?.systemScope,
		is_admin_project: token?.adminProject ?? true,
	};
}

function ofService(service: ServiceFacts | null): JsonObject {
	return {
		service_user_id: service?.user,
		service_user_domain_id: service?.userDomain,
		service_project_id: service?.project,
		service_project_domain_id: service?.projectDomain,
		service_roles: service?.roles ?? [],
	};
}

/** What a token is scoped to, in the words of `scope_types`. */
export function scopeOf({ token }: RequestContext): 'system' | 'domain' | 'project' {
	if (token?.systemScope) return 'system';
	return token?.domain ? 'domain' : 'project';
}
