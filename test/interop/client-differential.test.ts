/** Debian's openstack and glance commands, typed at this server and at Debian's Glance: the same codes and the same values. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openReference } from '../support/reference.ts';
import { ALLOWED_READINGS, type AllowedReading, findAllowed } from './clients/allowed.ts';
import { type Clients, startClients } from './clients/driver.ts';
import { SESSIONS } from './clients/scenarios.ts';
import { createTypist, type Typist } from './clients/typist.ts';
import { type Sundog, startSundog } from './differential/sundog.ts';

const reference = await openReference();
const used = new Set<AllowedReading>();
let sundog: Sundog | undefined;
let clients: { readonly glance: Clients; readonly sundog: Clients } | undefined;

before(async () => {
	if (reference.missing !== false) return;
	const { cloud } = reference;
	sundog = await startSundog(cloud);
	clients = { glance: await startClients(cloud, cloud.glance), sundog: await startClients(cloud, sundog.url) };
});
after(async () => {
	await clients?.glance[Symbol.asyncDispose]();
	await clients?.sundog[Symbol.asyncDispose]();
	await sundog?.[Symbol.asyncDispose]();
	if (reference.missing === false) await reference.cloud[Symbol.asyncDispose]();
});

async function same(typist: Typist, line: string): Promise<void> {
	const { found, glance, sundog } = await typist.type(line);
	const left = found.filter((difference) => {
		const entry = findAllowed(line, difference);
		if (entry !== undefined) used.add(entry);
		return entry === undefined;
	});
	if (left.length > 0) assert.fail(JSON.stringify({ left, glance, sundog }, null, 1));
}

for (const { title, lines } of SESSIONS)
	describe(title, { skip: reference.missing }, () => {
		let typist: Typist;
		before(() => {
			if (reference.missing === false && clients !== undefined) typist = createTypist(reference.cloud, clients);
		});
		after(() => typist?.clear());
		for (const line of lines) it(line, () => same(typist, line));
	});

describe('what the commands may say differently', { skip: reference.missing }, () => {
	for (const entry of ALLOWED_READINGS)
		it(`still needed: ${entry.reason}`, () => assert.ok(used.has(entry), 'no command says it differently any more'));
});
