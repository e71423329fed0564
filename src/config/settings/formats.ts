/** What bytes may become images: docs/formats.md. */
import type { Config } from '../config.ts';
import { parseAnyWords, parseBoolean, parseBytesOrNone } from '../parse-values.ts';
import { many, one, type Values } from './setting.ts';

export const formatSettings = {
	formatsRequireMatch: one(
		{
			key: 'formats.require_match',
			hint: 'true|false',
			help: 'bytes must be of the declared disk_format',
			byDefault: 'true',
		},
		parseBoolean,
	),
	formatsVmdkTypes: many(
		{
			key: 'formats.vmdk_types',
			hint: 'createType,…',
			help: 'the kinds of VMDK that are accepted',
			byDefault: 'streamOptimized, monolithicSparse',
		},
		parseAnyWords,
	),
	formatsGptNotFatal: many(
		{
			key: 'formats.gpt_checks_not_fatal',
			hint: 'check,…',
			help: 'checks of partition tables that may fail: mbr, gptmbr',
			byDefault: 'none',
		},
		parseAnyWords,
	),
	formatsMaxVirtualSize: one(
		{ key: 'formats.max_virtual_size', hint: 'size', help: 'what the disk inside of an image may have', byDefault: '64 TiB' },
		parseBytesOrNone,
	),
} as const;

type Said = Values<typeof formatSettings>;

const DEFAULT_MAX_VIRTUAL_SIZE = 64 * 1024 ** 4;

export function formatsOf(said: Said): Config['formats'] {
	return {
		requireMatch: said.formatsRequireMatch ?? true,
		vmdkTypes: said.formatsVmdkTypes ?? ['streamOptimized', 'monolithicSparse'],
		gptChecksNotFatal: said.formatsGptNotFatal ?? [],
		maxVirtualSize: said.formatsMaxVirtualSize ?? DEFAULT_MAX_VIRTUAL_SIZE,
	};
}
