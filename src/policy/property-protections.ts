/**
 * Property protections: the first section whose pattern is found in a property's name decides; without one the action
 * is refused. Image API v2, "Property protections".
 */
import type { RequestContext } from '#domain/context.ts';
import type { Policy } from '#domain/ports/policy.ts';
import type { PropertyAction, PropertyProtections } from '#domain/ports/property-protections.ts';
import type { Log } from '#lib/log.ts';
import { IniError, parseIni } from './ini-file.ts';
import { readText } from './operator-files.ts';
import { createPatternSearch, type PatternSearch } from './pattern-search.ts';
import { PatternError } from './python-pattern.ts';

export interface ProtectionSection {
	/** searched, not anchored */
	readonly pattern: PatternSearch;
	/** roles in any case, or one policy; `@` everybody, `!` nobody; empty nobody */
	readonly allows: Readonly<Record<PropertyAction, readonly string[]>>;
}

/** What the words of a section are: roles of the caller, or names of rules. */
export type ProtectionFormat = 'roles' | 'policies';

export interface PropertyProtectionsOptions {
	readonly file: string;
	readonly format: ProtectionFormat;
	/** decides in the format `policies` */
	readonly policy: Policy;
	readonly log: Log;
}

/** The file is there and wrong, or is not there. */
export class ProtectionsError extends Error {
	override readonly name = 'ProtectionsError';
}

const ACTIONS = ['create', 'read', 'update', 'delete'] as const satisfies readonly PropertyAction[];
const EVERYBODY = '@';
const NOBODY = '!';

/** Properties of the service itself; tenants cannot set them, and nobody can protect them. */
const SERVICE_PREFIX = 'os_glance';
const SERVICE_SECTION: ProtectionSection = {
	pattern: { test: (name) => name.startsWith(SERVICE_PREFIX) },
	allows: { create: [EVERYBODY], read: [EVERYBODY], update: [EVERYBODY], delete: [EVERYBODY] },
};

/** Reads the file once. Rejects with ProtectionsError: a node must not run with other protections than were meant. */
export async function openPropertyProtections(options: PropertyProtectionsOptions): Promise<PropertyProtections> {
	const { file, format, policy, log } = options;
	const sections = await readSections(options);
	for (const { section, action } of emptyOnes(sections))
		log.warn({ file, section, action }, 'protected property: nobody may do this');
	const asked = sections.filter(({ name }) => !name.startsWith(SERVICE_PREFIX));
	for (const { name } of sections)
		if (name.startsWith(SERVICE_PREFIX)) log.warn({ file, section: name }, 'section of a property of the service is ignored');
	return createPropertyProtections(asked, format === 'roles' ? hasRole : (ctx, rule) => policy.allows(ctx, rule, {}));
}

/** Tenants choose names: what is remembered of them is bounded. */
const MAX_REMEMBERED = 4096;

export function createPropertyProtections(
	sections: readonly ProtectionSection[],
	passes: (ctx: RequestContext, word: string) => boolean = hasRole,
): PropertyProtections {
	const table = [SERVICE_SECTION, ...sections];
	const remembered = new Map<string, ProtectionSection | undefined>();

	function sectionOf(property: string): ProtectionSection | undefined {
		if (remembered.has(property)) return remembered.get(property);
		const section = table.find(({ pattern }) => pattern.test(property));
		if (remembered.size >= MAX_REMEMBERED) remembered.clear();
		remembered.set(property, section);
		return section;
	}
	return {
		allows(ctx, action, property) {
			const words = sectionOf(property)?.allows[action] ?? [];
			if (words.includes(NOBODY)) return false;
			return words.includes(EVERYBODY) || words.some((word) => passes(ctx, word));
		},
	};
}

/** A service that asks for a user may do what either may. */
function hasRole({ roles, token }: RequestContext, role: string): boolean {
	const wanted = role.toLowerCase();
	return roles.includes(wanted) || (token?.service?.roles.includes(wanted) ?? false);
}

interface NamedSection extends ProtectionSection {
	readonly name: string;
}

async function readSections({ file, format }: PropertyProtectionsOptions): Promise<readonly NamedSection[]> {
	try {
		const sections = parseIni(await readText(file));
		return [...sections].map(([name, options]) => {
			const words = (action: PropertyAction) => wordsOf(name, action, options.get(action), format);
			const allows = { create: words('create'), read: words('read'), update: words('update'), delete: words('delete') };
			return { name, pattern: patternOf(name), allows };
		});
	} catch (cause) {
		const where = cause instanceof IniError || cause instanceof ProtectionsError ? `${file}: ` : '';
		throw new ProtectionsError(`property protections: ${where}${(cause as Error).message}`, { cause });
	}
}

function patternOf(name: string): PatternSearch {
	try {
		return createPatternSearch(name);
	} catch (cause) {
		if (!(cause instanceof PatternError)) throw cause;
		throw new ProtectionsError(`[${name}] is no regular expression that can be used: ${cause.message}`, { cause });
	}
}

function wordsOf(
	section: string,
	action: PropertyAction,
	value: string | undefined,
	format: ProtectionFormat,
): readonly string[] {
	const fail = (what: string) => new ProtectionsError(`[${section}] ${action}: ${what}`);
	if (value === undefined) throw fail('missing');
	if (value.includes('%')) throw fail('% has no meaning here');
	if (value === '') return [];
	const words = value.split(',').map((word) => word.trim());
	if (format === 'policies' && words.length > 1) throw fail('one policy only; policies are combined in the policy file');
	if (words.includes(EVERYBODY) && words.includes(NOBODY)) throw fail('@ and ! exclude each other');
	return words;
}

function emptyOnes(sections: readonly NamedSection[]): readonly { readonly section: string; readonly action: PropertyAction }[] {
	return sections.flatMap(({ name, allows }) =>
		ACTIONS.filter((action) => allows[action].length === 0).map((action) => ({ section: name, action })),
	);
}
