/**
 * Who may read does not depend on where the bytes are: a node that has all of an image, some of it or nothing answers every
 * caller as the oracle says, and as the node that has it; and what its owner takes back is taken back from warm nodes too.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as oracle from '../support/access-oracle.ts';
import { eventually } from '../support/eventually.ts';
import { createFleet, type Member } from '../support/fleet.ts';
import type { ImageClient } from '../support/image-client.ts';
import { IMAGE_VERBS, pathOf, type VerbRequest } from '../support/image-verbs.ts';
import { PASSWORD, startKeystoneDouble, tokenBody } from '../support/keystone-double.ts';
import { sampleContent } from '../support/sample-content.ts';
import { bytesBySource } from '../support/transfers.ts';

/** more than one block, so that there is a part of it */
const BYTES = 1024 * 1024 + 1;
const OWN = 'project-a';

/** Those who may least ask first, of a node that has nothing yet. */
const CALLERS: Readonly<Record<string, oracle.Caller>> = {
	nobody: { roles: [], project: OWN },
	stranger: { roles: ['member', 'reader'], project: 'project-s' },
	reader: { roles: ['reader'], project: OWN },
	member: { roles: ['member', 'reader'], project: OWN },
	admin: { roles: ['admin'], project: 'operators' },
};

type Kind = Pick<oracle.Situation, 'owner' | 'visibility' | 'status' | 'membership'>;

const KINDS: readonly Kind[] = oracle.VISIBILITIES.flatMap((visibility) =>
	(['active', 'deactivated'] as const).flatMap((status) => [
		{ visibility, status, owner: OWN, membership: 'none' as const },
		{ visibility, status, owner: 'project-b', membership: 'none' as const },
		{ visibility, status, owner: 'project-b', membership: 'pending' as const },
		{ visibility, status, owner: 'project-b', membership: 'accepted' as const },
	]),
);

/** All have the same bytes: what one caller has fetched is there, and not for the next. */
async function imageOf({ client }: Member, kind: Kind): Promise<string> {
	const { owner, visibility, status, membership } = kind;
	const { id } = await client.add(sampleContent('access', BYTES), { owner, visibility: 'shared' });
	const must = async (...request: Parameters<ImageClient['call']>) => {
		const answer = await client.call(...request);
		assert.ok(answer.status < 300, `${request[0]} ${request[1]}: ${answer.status} ${answer.body}`);
	};
	if (membership !== 'none') await must('POST', `/v2/images/${id}/members`, { member: OWN });
	if (membership === 'accepted') await must('PUT', `/v2/images/${id}/members/${OWN}`, { status: 'accepted' });
	await must('PATCH', `/v2/images/${id}`, [{ op: 'replace', path: '/visibility', value: visibility }], PATCH);
	if (status === 'deactivated') await must('POST', `/v2/images/${id}/actions/deactivate`);
	return id;
}

const PATCH = { 'content-type': 'application/openstack-images-v2.1-json-patch' };

/** In this order: nothing is fetched, then a block, then everything, and then all is here. */
const ROUNDS = ['show', 'ask for the size', 'download a part', 'download', 'show', 'download a part', 'download'] as const;

async function statusAt({ client }: Member, verb: (typeof ROUNDS)[number], who: string, id: string): Promise<number> {
	const { headers, ...request } = IMAGE_VERBS[verb]() as VerbRequest;
	return (await client.call(request.method, pathOf(request, id), undefined, { ...headers, 'x-auth-token': who })).status;
}

test('a cold, a half-filled and a warm node answer as the oracle says', async () => {
	await using keystone = await startKeystoneDouble();
	for (const [who, { roles, project }] of Object.entries(CALLERS)) {
		const scope = { id: project, name: project, domain: { id: 'default', name: 'Default' } };
		keystone.tokens.set(who, tokenBody({ roles: roles.map((name) => ({ id: name, name })), project: scope }));
	}
	const env = {
		SUNDOG_AUTH: 'keystone',
		SUNDOG_KEYSTONE_URL: keystone.url,
		SUNDOG_KEYSTONE_USERNAME: 'glance',
		SUNDOG_KEYSTONE_PASSWORD: PASSWORD,
		SUNDOG_KEYSTONE_PROJECT: 'service',
		SUNDOG_ADMIN_TOKEN: 'operator',
	};
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const images = new Map<string, Kind>();
	for (const kind of KINDS) images.set(await imageOf(centre, kind), kind);
	const { id: probe } = await centre.client.add(sampleContent('probe', 1));
	const paris = await fleet.join(centre, 'paris', { env });
	await centre.node.stop();
	await fleet.revive(centre, { env });
	const known = (status: string) => async (id: string) =>
		eventually(`${id} ${status} at paris`, async () => {
			const { body } = await paris.client.call('GET', `/v2/images/${id}`, undefined, { 'x-auth-token': 'admin' });
			return body.includes(`"${status}"`) || undefined;
		});
	for (const [id, { status }] of images) await known(status)(id);
	await eventually(
		'paris reaches the centre again',
		async () => (await statusAt(paris, 'download', 'admin', probe)) === 200 || undefined,
	);

	for (const [round, verb] of ROUNDS.entries())
		for (const [who, caller] of Object.entries(CALLERS))
			for (const [id, kind] of images) {
				const membership = caller.project === OWN ? kind.membership : 'none';
				const wanted = oracle.ANSWERS[verb]({ ...kind, ...PLAIN, caller, membership });
				const got = await Promise.all([paris, centre].map((node) => statusAt(node, verb, who, id)));
				assert.deepEqual(got, [wanted, wanted], `round ${round}, ${who}: ${verb} ${JSON.stringify(kind)}`);
			}
	const [id = ''] = images.keys();
	const asOperator = {
		call: (method: string, path: string) => paris.client.call(method, path, undefined, { 'x-auth-token': 'operator' }),
	};
	assert.equal((await bytesBySource(asOperator, id)).peer, BYTES, 'paris was cold');
	await takenBack(centre, paris, images);
});

const PLAIN = { rules: 'new', hidden: false, protected: false } as const;

/** Paris has all the bytes: no reader of a shared image has them any more when its owner's site says so. */
async function takenBack(centre: Member, paris: Member, images: ReadonlyMap<string, Kind>): Promise<void> {
	const asAdmin = { 'x-auth-token': 'admin' };
	const shared = [...images].filter(([, kind]) => kind.visibility === 'shared' && kind.status === 'active');
	const [unshared = '', deactivated = ''] = shared.filter(([, { membership }]) => membership !== 'none').map(([id]) => id);
	const deleted = shared.find(([, { owner }]) => owner === OWN)?.[0] ?? '';
	await centre.client.call('DELETE', `/v2/images/${unshared}/members/${OWN}`, undefined, asAdmin);
	await centre.client.call('POST', `/v2/images/${deactivated}/actions/deactivate`, undefined, asAdmin);
	await centre.client.call('DELETE', `/v2/images/${deleted}`, undefined, asAdmin);
	for (const [id, status] of [
		[unshared, 404],
		[deactivated, 403],
		[deleted, 404],
	] as const)
		await eventually(`${status} of ${id}`, async () => (await statusAt(paris, 'download', 'member', id)) === status || undefined);
}
