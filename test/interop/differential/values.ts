/** `$name` in requests and commands, and the way back: from a server's own values to names that both share. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { ReferenceCloud } from '../../support/reference.ts';

export type Values = Map<string, string>;

/**
 * The same for both servers. Ids are in ascending order, so that the order of creation is theirs too; `run` is a word
 * that nobody else uses; `missing` is nobody's id.
 */
export function givens(cloud: Pick<ReferenceCloud, 'projects'>): Readonly<Record<string, string>> {
	const ids = Array.from({ length: 6 }, () => randomUUID()).sort();
	const { admin = '', demo = '', alt_demo: alt = '' } = cloud.projects;
	return {
		run: `run${randomBytes(5).toString('hex')}`,
		missing: randomUUID(),
		upper: randomUUID().toUpperCase(),
		...{ admin, demo, alt },
		...Object.fromEntries(ids.map((id, n) => [`id${n + 1}`, id])),
	};
}

export function filled(text: string, values: Values): string {
	return text.replaceAll(/\$([a-z]\w*)/g, (_, name: string) => {
		const value = values.get(name);
		if (value === undefined) throw new Error(`nothing is called $${name}`);
		return value;
	});
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
/** the folder of a file store */
const FOLDER = /file:\/\/\/[^"'\s]*\//g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?/g;

/** Without what differs between any two servers; its form stays. */
export function withoutParticulars(text: string, values: Values): string {
	let result = text;
	for (const [name, value] of values) if (value !== '') result = result.replaceAll(value, `$${name}`);
	return result
		.replaceAll(FOLDER, 'file:///<folder>/')
		.replaceAll(UUID, '<uuid>')
		.replaceAll(TIME, (_, fraction) => (fraction ? '<time.fraction>' : '<time>'));
}
