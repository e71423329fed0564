/** UTC milliseconds of an ISO 8601 time, NaN of anything else. Without a zone it is UTC, as services of OpenStack write it. */
export function isoTime(text: string): number {
	return Date.parse(/T.*(Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
}
