/** What Keystone says of a token, read once. Identity API v3, "Validate and show information for token". */
import type { ServiceFacts, TokenFacts } from '#domain/context.ts';
import { isoTime } from '#lib/iso-time.ts';
import type { AccessRule } from './access-rules.ts';

export interface ValidToken {
	readonly user: string;
	readonly project: string | null;
	/** lower case, as Glance compares them */
	readonly roles: readonly string[];
	/** as Keystone spells them */
	readonly roleNames: readonly string[];
	readonly facts: Omit<TokenFacts, 'service'>;
	/** UTC milliseconds */
	readonly expiresAt: number;
	/** absent: it may be used for everything */
	readonly accessRules?: readonly AccessRule[];
}

/** Undefined when this is not what Keystone would say. */
export function readToken(body: unknown): ValidToken | undefined {
	const token = objectOf(objectOf(body)?.token);
	const user = objectOf(token?.user);
	const expiresAt = isoTime(textOf(token?.expires_at) ?? '');
	const userId = textOf(user?.id);
	const roles = listOf(token?.roles ?? [], (role) => textOf(role.name));
	const rules = accessRulesOf(objectOf(token?.application_credential)?.access_rules ?? undefined);
	if (token === undefined || userId === undefined || Number.isNaN(expiresAt) || roles === undefined || rules === 'unreadable')
		return undefined;
	const project = objectOf(token.project);
	return {
		user: userId,
		project: textOf(project?.id) ?? null,
		roles: roles.map((role) => role.toLowerCase()),
		roleNames: roles,
		facts: {
			userDomain: domainOf(user),
			projectDomain: domainOf(project),
			domain: textOf(objectOf(token.domain)?.id) ?? null,
			systemScope: objectOf(token.system)?.all === true ? 'all' : null,
			// a Keystone that names no project of administrators leaves it out
			adminProject: token.is_admin_project !== false,
		},
		expiresAt,
		...(rules !== undefined && { accessRules: rules }),
	};
}

export function serviceFactsOf({ user, project, roles, facts }: ValidToken): ServiceFacts {
	return { user, project, userDomain: facts.userDomain, projectDomain: facts.projectDomain, roles };
}

/** A list that is there and empty allows nothing; one that cannot be read must not turn into none at all. */
function accessRulesOf(value: unknown): readonly AccessRule[] | undefined | 'unreadable' {
	if (value === undefined) return undefined;
	const rules = listOf(value, ({ service, method, path }) =>
		typeof service === 'string' && typeof method === 'string' && typeof path === 'string' ? { service, method, path } : undefined,
	);
	return rules ?? 'unreadable';
}

/** Undefined unless it is a list and every element of it can be read. */
function listOf<T>(value: unknown, read: (element: JsonObject) => T | undefined): readonly T[] | undefined {
	if (!Array.isArray(value)) return undefined;
	const elements = value.map((each) => read(objectOf(each) ?? {}));
	return elements.every((each) => each !== undefined) ? elements : undefined;
}

function domainOf(owner: JsonObject | undefined): string | null {
	return textOf(objectOf(owner?.domain)?.id) ?? null;
}

type JsonObject = Readonly<Record<string, unknown>>;

function objectOf(value: unknown): JsonObject | undefined {
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

function textOf(value: unknown): string | undefined {
	return typeof value === 'string' ? value : undefined;
}
