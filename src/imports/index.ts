/**
 * The register of what tasks can do: a type of task is one file and one line here. Types that are not here are shown,
 * when an older process has left some, and not created.
 */
import type { TaskRunners } from '#domain/ports/task-runners.ts';
import { type ImageImportOptions, imageImport } from './image-import.ts';
import { type LegacyImportOptions, legacyImport } from './legacy-import.ts';

export function taskRunners(options: LegacyImportOptions & ImageImportOptions) {
	return { import: legacyImport(options), api_image_import: imageImport(options) } satisfies TaskRunners;
}
