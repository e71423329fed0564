/** Where the two servers may differ in what several stores do, and why: allowed.ts for stores. */
import type { Allowed } from './allowed.ts';

export const ALLOWED_OF_STORES: readonly Allowed[] = [];
