/** The rules that decide what a caller may do. */
import { type Config, type PolicyConfig, PROPERTY_RULE_FORMATS } from '../config.ts';
import { parsePath, parsePaths } from '../parse.ts';
import { parseBoolean, parseOneOf, parseWord } from '../parse-values.ts';
import { many, one, type Values } from './setting.ts';

export const policySettings = {
	policyFile: one(
		{ key: 'policy.file', hint: 'file', help: "rules that replace defaults, as Glance's policy.yaml", byDefault: 'none' },
		parsePath,
	),
	policyDirs: many(
		{ key: 'policy.dirs', hint: 'folder,…', help: 'folders of such files, read after it', byDefault: 'none' },
		parsePaths,
	),
	policyEnforceNewDefaults: one(
		{
			key: 'policy.enforce_new_defaults',
			hint: 'true|false',
			help: 'false: what the older default rules allow is allowed too',
			byDefault: 'true',
		},
		parseBoolean,
	),
	policyEnforceScope: one(
		{
			key: 'policy.enforce_scope',
			hint: 'true|false',
			help: 'a token of another scope than the rule is for is refused',
			byDefault: 'true',
		},
		parseBoolean,
	),
	policyDefaultRule: one(
		{ key: 'policy.default_rule', hint: 'rule', help: 'decides what no rule names', byDefault: 'default' },
		parseWord,
	),
	policyRemoteChecks: one(
		{
			key: 'policy.remote_checks',
			hint: 'true|false',
			help: 'rules may ask another server (`http:` and `https:` checks)',
			byDefault: 'false: such checks fail',
		},
		parseBoolean,
	),
	propertyProtectionFile: one(
		{
			key: 'property_protection.file',
			hint: 'file',
			help: 'who may touch which custom property',
			byDefault: 'none: no protection',
		},
		parsePath,
	),
	propertyProtectionFormat: one(
		{
			key: 'property_protection.format',
			hint: PROPERTY_RULE_FORMATS.join('|'),
			help: 'what that file names',
			byDefault: 'roles',
		},
		parseOneOf(PROPERTY_RULE_FORMATS),
	),
} as const;

type Said = Values<typeof policySettings>;

export function policyOf(values: Said): PolicyConfig {
	return {
		...(values.policyFile !== undefined && { file: values.policyFile }),
		dirs: values.policyDirs ?? [],
		enforceNewDefaults: values.policyEnforceNewDefaults ?? true,
		enforceScope: values.policyEnforceScope ?? true,
		defaultRule: values.policyDefaultRule ?? 'default',
		remoteChecks: values.policyRemoteChecks ?? false,
	};
}

export function propertyProtectionsOf(values: Said): Config['propertyProtections'] {
	const { propertyProtectionFile: file, propertyProtectionFormat: format = 'roles' } = values;
	return file === undefined ? undefined : { file, format };
}
