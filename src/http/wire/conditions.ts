/** Conditional requests over data that never changes under one entity tag. RFC 9110 §13. */

/** If-None-Match: does the client hold these bytes already? Weak comparison. */
export function holdsAlready(ifNoneMatch: string | undefined, etag: string): boolean {
	if (ifNoneMatch === undefined) return false;
	return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

/** If-Range: may a part be sent? Only for the very same strong tag; dates never match, there is no Last-Modified. */
export function rangeApplies(ifRange: string | undefined, etag: string): boolean {
	return ifRange === undefined || ifRange.trim() === etag;
}
