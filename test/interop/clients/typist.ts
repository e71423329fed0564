/** Types a line at both servers at once and says where what the commands say and do differs. */
import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.ts';
import type { Person, ReferenceCloud } from '../../support/reference.ts';
import { compare, type Difference } from '../differential/portrait.ts';
import { filled, givens, type Values } from '../differential/values.ts';
import type { Clients, Outcome } from './driver.ts';
import { type Files, type Reading, read } from './reading.ts';

export interface Typist {
	type(line: string): Promise<{ readonly found: readonly Difference[]; readonly glance: Outcome; readonly sundog: Outcome }>;
	/** Removes on both what the lines may have left. */
	clear(): Promise<void>;
}

interface Desk {
	readonly clients: Clients;
	readonly values: Values;
}

const IDS = ['$id1', '$id2', '$id3', '$id4'];

/** With values of its own: two typists know nothing of each other's images. */
export function createTypist(cloud: ReferenceCloud, clients: { readonly glance: Clients; readonly sundog: Clients }): Typist {
	const shared = Object.entries({ ...givens(cloud), web: cloud.web });
	const desk = (of: Clients): Desk => ({ clients: of, values: new Map([...shared, ['dir', of.dir]]) });
	const desks = { glance: desk(clients.glance), sundog: desk(clients.sundog) };
	return {
		async type(line) {
			const typed = line.startsWith('wait ') ? typeUntilRest : typeAt;
			const plain = line.replace(/^wait /, '');
			const [glance, sundog] = await Promise.all([typed(desks.glance, plain), typed(desks.sundog, plain)]);
			const found = compare('', glance.reading, sundog.reading).map((each) => ({ ...each, at: each.at.slice(1) }));
			return { found, glance: glance.outcome, sundog: sundog.outcome };
		},
		async clear() {
			for (const line of IDS.flatMap((id) => [
				`admin glance image-update --protected false ${id}`,
				`admin glance image-delete ${id}`,
			]))
				await Promise.all(Object.values(desks).map((each) => typeAt(each, line)));
		},
	};
}

interface Typed {
	readonly reading: Reading;
	readonly outcome: Outcome;
}

const REST_TIMEOUT_MS = 60_000;

/** Until the image is active, or queued again, and nothing holds it. */
function typeUntilRest(desk: Desk, line: string): Promise<Typed> {
	return eventually(
		`the end of an import: ${line}`,
		async () => {
			const typed = await typeAt(desk, line);
			assert.match(typed.outcome.out, /"status": "(active|queued)"|status +\| (active|queued)/);
			assert.doesNotMatch(typed.outcome.out, /os_glance_import_task"?:? *\|? *"?[0-9a-f]{8}/);
			return typed;
		},
		{ timeoutMs: REST_TIMEOUT_MS, everyMs: 200 },
	);
}

async function typeAt({ clients, values }: Desk, line: string): Promise<Typed> {
	const { person, argv, input } = parse(line);
	const before = await clients.files();
	const outcome = await clients.run(
		person,
		argv.map((word) => filled(word, values)),
		input,
	);
	return { outcome, reading: read(outcome, news(before, await clients.files()), values) };
}

/** What a command has written. */
function news(before: Files, after: Files): Files {
	return Object.fromEntries(Object.entries(after).filter(([name, digest]) => before[name] !== digest));
}

function parse(line: string): { readonly person: Person; readonly argv: readonly string[]; readonly input: string | null } {
	const [typed = '', input = null] = line.split(' < ');
	const [person, ...argv] = typed.split(' ');
	const tells = /^openstack image (create|show|list|member list|add project)\b/.test(argv.join(' '));
	return { person: person as Person, argv: tells ? [...argv, '-f', 'json'] : argv, input };
}
