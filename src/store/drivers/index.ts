/**
 * The register of drivers: a store's configured type names the key. A literal, never a side effect of an import. What is
 * heavy (an SDK, a native library) a driver loads when it is opened, so that a store that nobody configured costs nothing.
 */
import type { DriverKind } from '../driver.ts';
import { cinder } from './cinder.ts';
import { filesystem } from './filesystem.ts';
import { http } from './http.ts';
import { memory } from './memory.ts';
import { rbd } from './rbd.ts';
import { s3 } from './s3.ts';
import { sheepdog } from './sheepdog.ts';
import { swift } from './swift.ts';
import { vmware } from './vmware.ts';

export const DRIVERS = { cinder, file: filesystem, http, memory, rbd, s3, sheepdog, swift, vmware } as const satisfies Readonly<
	Record<string, DriverKind>
>;
