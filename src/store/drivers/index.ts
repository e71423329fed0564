/** The register of drivers: config names the key. A literal, never a side effect of an import. */
import type { StoreDriver } from '../driver.ts';
import { type FilesystemOptions, openFilesystem } from './filesystem.ts';
import { openMemory } from './memory.ts';

export const DRIVERS = {
	file: (options: FilesystemOptions): Promise<StoreDriver> => openFilesystem(options),
	memory: (): Promise<StoreDriver> => openMemory(),
} as const;
