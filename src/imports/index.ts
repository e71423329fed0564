/**
 * The register of what tasks can do: a type of task is one file and one line here. Types that are not here are shown,
 * when an older process has left some, and not created.
 */
import type { TaskRunners } from '#domain/ports/task-runners.ts';
import { type ImageImportOptions, imageImport } from './image-import.ts';
import { type LegacyImportOptions, legacyImport } from './legacy-import.ts';
import { type LocationImportOptions, locationImport } from './location-import.ts';

export function taskRunners(options: LegacyImportOptions & ImageImportOptions & LocationImportOptions) {
	return {
		import: legacyImport(options),
		api_image_import: imageImport(options),
		location_import: locationImport(options),
	} satisfies TaskRunners;
}
