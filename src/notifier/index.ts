/** The register of notifier sinks: configuration names the key. To add one: one file, one line. */
import { createLogNotifier } from './log.ts';

export const notifiers = {
	log: createLogNotifier,
} as const;
