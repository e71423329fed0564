/** Sharing across a living fleet: proposed where the image is, accepted where the project is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { createFleet } from '../support/fleet.ts';
import type { ImageClient } from '../support/image-client.ts';

async function answersOf(client: ImageClient, id: string): Promise<Readonly<Record<string, string>>> {
	const { status, body } = await client.call('GET', `/v2/images/${id}/members`);
	if (status !== 200) return {};
	const { members } = JSON.parse(body) as { members: { member_id: string; status: string }[] };
	return Object.fromEntries(members.map((member) => [member.member_id, member.status]));
}

test("a member's answer at another site reaches the owner's, where alone members come and go", async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const paris = await fleet.join(centre, 'paris');
	const { id } = await centre.client.create();
	const path = `/v2/images/${id}/members`;
	const until = (client: ImageClient, what: string, wanted: Readonly<Record<string, string>>) =>
		eventually(what, async () => JSON.stringify(await answersOf(client, id)) === JSON.stringify(wanted) || undefined);

	assert.equal((await centre.client.call('POST', path, { member: 'p' })).status, 200);
	await until(paris.client, 'proposed at paris', { p: 'pending' });
	assert.equal((await paris.client.call('PUT', `${path}/p`, { status: 'accepted' })).status, 200);
	await until(centre.client, 'accepted at the centre', { p: 'accepted' });

	for (const answer of [await paris.client.call('POST', path, { member: 'q' }), await paris.client.call('DELETE', `${path}/p`)]) {
		assert.equal(answer.status, 403);
		assert.match(answer.body, /belongs to site centre/);
	}
	assert.equal((await centre.client.call('DELETE', `${path}/p`)).status, 204);
	await until(paris.client, 'removed at paris', {});
});
