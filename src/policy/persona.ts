/** A caller made up of a few words, to try rules with. */
import type { RequestContext } from '#domain/context.ts';
import type { PolicyTarget } from '#domain/ports/policy.ts';

export interface Persona {
	readonly user?: string;
	readonly project?: string;
	/** the token is for this domain, not for a project */
	readonly domain?: string;
	/** the token is for the system */
	readonly system?: boolean;
	readonly roles: readonly string[];
}

/** `isAdmin` is asked once, of the caller who is not yet known to be one. */
export function contextOf(
	{ user, project, domain, system, roles }: Persona,
	isAdmin: (ctx: RequestContext) => boolean,
): RequestContext {
	const ctx: RequestContext = {
		requestId: 'req-policy-check',
		user: user ?? null,
		project: project ?? null,
		roles: roles.map((role) => role.toLowerCase()),
		admin: false,
		door: 'client',
		signal: new AbortController().signal,
		token: {
			userDomain: null,
			projectDomain: null,
			domain: domain ?? null,
			systemScope: system ? 'all' : null,
			adminProject: true,
			service: null,
		},
	};
	return { ...ctx, admin: isAdmin(ctx) };
}

/** From `key=value`; a value is JSON where it can be, else a text. Without any: what belongs to the caller. */
export function targetOf(pairs: readonly string[], { user, project }: Persona): PolicyTarget {
	if (pairs.length === 0)
		return {
			...(user !== undefined && { user_id: user }),
			...(project !== undefined && { project_id: project, owner: project }),
		};
	return Object.fromEntries(
		pairs.map((pair) => {
			const at = pair.indexOf('=');
			if (at < 1) throw new TypeError(`key=value expected, not ${pair}`);
			return [pair.slice(0, at), parsedValue(pair.slice(at + 1))];
		}),
	);
}

function parsedValue(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}
