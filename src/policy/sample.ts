/** All rules as a policy file whose every rule is a remark: to be uncommented where something else is wanted. */
import { DEFAULT_RULES, type DefaultRule } from './defaults.ts';

export interface SampleOptions {
	/** each rule as it is in force without the new defaults */
	readonly legacy?: boolean;
}

export function samplePolicyFile({ legacy = false }: SampleOptions = {}): string {
	return Object.entries(DEFAULT_RULES)
		.map(([name, rule]) => sampleRule(name, rule, legacy))
		.join('\n');
}

function sampleRule(name: string, rule: DefaultRule, legacy: boolean): string {
	const check = legacy ? legacyCheck(rule) : rule.check;
	return [
		`# ${rule.description.charAt(0).toUpperCase()}${rule.description.slice(1)}.`,
		...rule.operations.map((operation) => `# ${operation.replace(' ', '  ')}`),
		...(rule.anyScope ? [] : ['# Intended scope(s): project']),
		`#${JSON.stringify(name)}: ${JSON.stringify(check)}`,
		'',
	].join('\n');
}

/** `or` binds weakest. */
function legacyCheck({ check, legacy }: DefaultRule): string {
	return legacy === undefined || legacy === check ? check : `${check} or ${legacy}`;
}
