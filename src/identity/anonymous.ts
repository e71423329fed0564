import type { Subject } from './ports.ts';

/** Nobody: without user, project and roles, and never to change anything. What they may read is for rules to say. */
export const ANONYMOUS: Subject = { user: null, project: null, roles: [], readOnly: true };
