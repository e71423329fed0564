import { ImageError } from './errors.ts';

/** The one answer to who may see what they ask about and does not pass the rule. */
export function refusedBy(rule: string): ImageError {
	return new ImageError('forbidden', `you are not authorized to complete ${rule} action`);
}
