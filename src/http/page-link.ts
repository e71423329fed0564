/**
 * The link to a page of a list: the first one, or the one after `marker`. All parameters are kept, repeated ones too, so
 * that a following page means what the first did.
 */
export function pageLink(path: string, params: URLSearchParams, marker?: string): string {
	const link = new URLSearchParams(params);
	link.delete('marker');
	if (marker !== undefined) link.set('marker', marker);
	return link.size === 0 ? path : `${path}?${link}`;
}
