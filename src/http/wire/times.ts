/** UTC to the second: 2026-11-23T07:32:48Z */
export function viewTime(at: number): string {
	return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/**
 * UTC milliseconds of an ISO 8601 time, in the basic or the extended form; without zone it is UTC, and what is missing at
 * its end is the earliest. Undefined for anything else, days that no month has among it.
 */
export function parseTime(text: string): number | undefined {
	const form = FORMS.map((each) => each.exec(text)?.groups).find((groups) => groups !== undefined);
	if (form === undefined) return undefined;
	const [year, month, day] = [Number(form.year), Number(form.month ?? 1), Number(form.day ?? 1)];
	const [hours, minutes, seconds] = [Number(form.hours ?? 0), Number(form.minutes ?? 0), Number(form.seconds ?? 0)];
	const at = new Date(0);
	at.setUTCFullYear(year, month - 1, day);
	if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day || hours > 23 || minutes > 59 || seconds > 59) return undefined;
	at.setUTCHours(hours, minutes, seconds, Math.trunc(Number(`0.${form.fraction ?? 0}`) * 1000));
	return at.getTime() - offsetOf(form.zone ?? 'Z');
}

const CLOCK = String.raw`(?:\.(?<fraction>\d{1,9}))?`;
const ZONE = String.raw`(?<zone>Z|[+-]\d\d(?::?\d\d)?)?`;
const FORMS: readonly RegExp[] = [
	String.raw`(?<year>\d{4})(?:-(?<month>\d\d?)(?:-(?<day>\d\d?)(?:[T ](?<hours>\d\d)(?::(?<minutes>\d\d)(?::(?<seconds>\d\d)${CLOCK})?)?${ZONE})?)?)?`,
	String.raw`(?<year>\d{4})(?<month>\d\d)(?<day>\d\d)(?:[T ](?<hours>\d\d)(?:(?<minutes>\d\d)(?:(?<seconds>\d\d)${CLOCK})?)?${ZONE})?`,
].map((form) => new RegExp(`^${form}$`));

/** milliseconds that a zone is ahead of UTC */
function offsetOf(zone: string): number {
	const { sign, hours, minutes } = /^(?<sign>[+-])(?<hours>\d\d):?(?<minutes>\d\d)?$/.exec(zone)?.groups ?? {};
	if (sign === undefined) return 0;
	return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes ?? 0)) * 60_000;
}
