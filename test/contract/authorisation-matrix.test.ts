/**
 * Who may do what: every combination of caller, image and verb is asked of the onion and compared with an oracle
 * that is written from Glance's documents, not from the code under test.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestContext } from '#domain/context.ts';
import type { ImageController } from '#domain/controller.ts';
import { codeOf, type ErrorCode } from '#domain/errors.ts';
import { type ImageStatus, VISIBILITIES, type Visibility } from '#domain/image.ts';
import { MEMBER_STATUSES } from '#domain/member.ts';
import { administrator, caller, type TestSite, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';

const OWNERS = ['project-a', 'project-b', null] as const;
const STATUSES = ['queued', 'saving', 'active', 'deactivated'] as const satisfies readonly ImageStatus[];

const MEMBERSHIPS = ['none', ...MEMBER_STATUSES] as const;
type Membership = (typeof MEMBERSHIPS)[number];
const OTHER_MEMBER = 'project-m';

const CALLERS: Readonly<Record<string, RequestContext>> = {
	administrator: administrator(),
	'member and reader': caller(),
	'member alone': caller({ roles: ['member'] }),
	'reader alone': caller({ roles: ['reader'] }),
	'no role': caller({ roles: [] }),
	'member without project': caller({ project: null }),
};

interface Situation {
	readonly ctx: RequestContext;
	readonly owner: (typeof OWNERS)[number];
	readonly visibility: Visibility;
	readonly status: (typeof STATUSES)[number];
	/** of the caller's project; the image has another member as well */
	readonly membership: Membership;
}

type Outcome = 'ok' | ErrorCode;

/** Does the image exist for the caller as a fact (visibility), and by the rule get_image? */
const isVisible = ({ ctx, owner, visibility, membership }: Situation) =>
	ctx.admin ||
	owner === null ||
	visibility === 'public' ||
	visibility === 'community' ||
	(owner === ctx.project && ctx.project !== null) ||
	(visibility === 'shared' && membership !== 'none');
const owns = ({ ctx, owner }: Situation) => ctx.project !== null && owner === ctx.project;
const mayGet = (s: Situation) => s.ctx.admin || (s.ctx.roles.includes('reader') && (owns(s) || s.visibility !== 'private'));
const isOwningMember = (s: Situation) => s.ctx.admin || (s.ctx.roles.includes('member') && owns(s));
const mayDownload = (s: Situation) => s.ctx.admin || (s.ctx.roles.includes('member') && (owns(s) || s.visibility !== 'private'));

/** The answer when a rule says no: 404 for who may not get the image either. */
const denied = (s: Situation): Outcome => (mayGet(s) ? 'forbidden' : 'not-found');

interface Verb {
	run(images: ImageController, ctx: RequestContext, id: string): Promise<unknown>;
	/** for callers who can see the image */
	expected(s: Situation): Outcome;
}

const changing =
	(then: (s: Situation) => Outcome): Verb['expected'] =>
	(s) =>
		isOwningMember(s) ? then(s) : denied(s);
const ok = (): Outcome => 'ok';

/** Of a shared image; by a rule that takes whoever owns it, and whoever sees it without owning it for a member. */
const mayLookAtMembers = (s: Situation) => s.ctx.admin || (s.ctx.roles.includes('reader') && s.ctx.project !== null);
const knowsOthers = (s: Situation) => s.ctx.admin || owns(s);

const sharing =
	(then: (s: Situation) => Outcome): Verb['expected'] =>
	(s) =>
		s.visibility === 'shared' ? then(s) : 'forbidden';

/** A membership is looked up first, then comes the verb's own rule. */
const onMember = (whose: 'own' | 'other', then: (s: Situation) => Outcome): Verb['expected'] =>
	sharing((s) => {
		if (!mayGet(s)) return 'not-found';
		if (!mayLookAtMembers(s)) return 'forbidden';
		return (whose === 'own' ? s.membership !== 'none' : knowsOthers(s)) ? then(s) : 'not-found';
	});
const mayAnswer = (s: Situation) => s.ctx.admin || (s.ctx.roles.includes('member') && !owns(s));
const answered = (s: Situation): Outcome => (mayAnswer(s) ? 'ok' : 'forbidden');
const ownersMatter = (s: Situation): Outcome => (isOwningMember(s) ? 'ok' : 'forbidden');
const hiding =
	(expected: Verb['expected']): Verb['expected'] =>
	(s) =>
		expected(s) === 'ok' ? 'ok' : 'not-found';
const self = (ctx: RequestContext) => ctx.project ?? 'nobody';

const VERBS: Readonly<Record<string, Verb>> = {
	show: { run: (images, ctx, id) => images.show(ctx, id), expected: (s) => (mayGet(s) ? 'ok' : 'not-found') },
	rename: { run: (images, ctx, id) => images.update(ctx, id, [{ set: { name: 'n' } }]), expected: changing(ok) },
	'change nothing': { run: (images, ctx, id) => images.update(ctx, id, []), expected: (s) => (mayGet(s) ? 'ok' : 'not-found') },
	publicize: {
		run: (images, ctx, id) => images.update(ctx, id, [{ set: { visibility: 'public' } }]),
		expected: (s) => (s.ctx.admin ? 'ok' : denied(s)),
	},
	communitize: {
		run: (images, ctx, id) => images.update(ctx, id, [{ set: { visibility: 'community' } }]),
		expected: changing(ok),
	},
	'give away': {
		run: (images, ctx, id) => images.update(ctx, id, [{ set: { owner: 'project-c' } }]),
		expected: (s) => (s.ctx.admin ? 'ok' : 'forbidden'),
	},
	remove: { run: (images, ctx, id) => images.remove(ctx, id), expected: changing(ok) },
	upload: {
		run: (images, ctx, id) => images.upload(ctx, id, uploadOf(Buffer.from('x'))),
		expected: changing((s) => (s.status === 'queued' ? 'ok' : 'conflict')),
	},
	download: {
		run: (images, ctx, id) => images.download(ctx, id),
		expected: (s) => (!mayDownload(s) ? denied(s) : s.status === 'deactivated' && !s.ctx.admin ? 'forbidden' : 'ok'),
	},
	deactivate: {
		run: (images, ctx, id) => images.deactivate(ctx, id),
		expected: changing((s) => (s.status === 'active' || s.status === 'deactivated' ? 'ok' : 'forbidden')),
	},
	reactivate: {
		run: (images, ctx, id) => images.reactivate(ctx, id),
		expected: changing((s) => (s.status === 'active' || s.status === 'deactivated' ? 'ok' : 'forbidden')),
	},
	'add a tag': { run: (images, ctx, id) => images.addTag(ctx, id, 't'), expected: changing(ok) },
	'drop a tag': { run: (images, ctx, id) => images.dropTag(ctx, id, 'given'), expected: changing(ok) },
	'list members of': {
		run: (images, ctx, id) => images.listMembers(ctx, id),
		expected: sharing((s) => (!mayGet(s) ? 'not-found' : mayLookAtMembers(s) ? 'ok' : 'forbidden')),
	},
	'add a member to': {
		run: (images, ctx, id) => images.addMember(ctx, id, 'project-n'),
		expected: sharing((s) => (!mayGet(s) ? 'not-found' : ownersMatter(s))),
	},
	'show itself as a member of': {
		run: (images, ctx, id) => images.showMember(ctx, id, self(ctx)),
		expected: hiding(onMember('own', ok)),
	},
	'show another member of': {
		run: (images, ctx, id) => images.showMember(ctx, id, OTHER_MEMBER),
		expected: hiding(onMember('other', ok)),
	},
	'accept for itself': {
		run: (images, ctx, id) => images.updateMember(ctx, id, self(ctx), 'accepted'),
		expected: onMember('own', answered),
	},
	'accept for another': {
		run: (images, ctx, id) => images.updateMember(ctx, id, OTHER_MEMBER, 'accepted'),
		expected: onMember('other', answered),
	},
	'remove itself from': {
		run: (images, ctx, id) => images.removeMember(ctx, id, self(ctx)),
		expected: onMember('own', ownersMatter),
	},
	'remove another from': {
		run: (images, ctx, id) => images.removeMember(ctx, id, OTHER_MEMBER),
		expected: onMember('other', ownersMatter),
	},
};

async function imageIn({ images, catalogue }: TestSite, situation: Situation): Promise<string> {
	const { ctx, owner, visibility, status, membership } = situation;
	const admin = administrator();
	const { id } = await images.create(admin, { ...UPLOADABLE, owner, visibility, tags: ['given'] });
	if (status === 'saving') await catalogue.commit([{ type: 'image.status', id, status }]);
	if (status === 'active' || status === 'deactivated') await images.upload(admin, id, uploadOf(Buffer.from('x')));
	if (status === 'deactivated') await images.deactivate(admin, id);
	await catalogue.commit([{ type: 'member.add', id, member: OTHER_MEMBER }]);
	if (membership !== 'none')
		await catalogue.commit([
			{ type: 'member.add', id, member: self(ctx) },
			{ type: 'member.status', id, member: self(ctx), status: membership },
		]);
	return id;
}

const outcomeOf = (promise: Promise<unknown>): Promise<{ readonly code: Outcome; readonly message: string }> =>
	promise.then(
		() => ({ code: 'ok' as const, message: '' }),
		(error: Error) => ({ code: codeOf(error) ?? assert.fail(error), message: error.message }),
	);

/** Every kind of image without the caller's project among its members, and with it those whose data may be asked for. */
function situationsOf(ctx: RequestContext): readonly Situation[] {
	const memberships = ctx.project === null ? (['none'] as const) : MEMBERSHIPS;
	return OWNERS.flatMap((owner) =>
		VISIBILITIES.flatMap((visibility) =>
			memberships.flatMap((membership) =>
				(membership === 'none' ? STATUSES : (['active'] as const)).map((status) => ({
					ctx,
					owner,
					visibility,
					status,
					membership,
				})),
			),
		),
	);
}

describe('authorisation matrix', () => {
	for (const [who, ctx] of Object.entries(CALLERS))
		it(`${who}: every verb on every image is answered as Glance would`, async () => {
			const site = await testSite();
			let asked = 0;
			for (const situation of situationsOf(ctx))
				for (const [verb, { run, expected }] of Object.entries(VERBS)) {
					const id = await imageIn(site, situation);
					const { code, message } = await outcomeOf(run(site.images, ctx, id));
					const wanted = isVisible(situation) ? expected(situation) : 'not-found';
					const { owner, visibility, status, membership } = situation;
					const where = `${verb} a ${status} ${visibility} image of ${owner}, membership ${membership}`;
					assert.equal(code, wanted, `${where}: ${message}`);
					if (message.includes('is not a member')) assert.ok(isVisible(situation), where);
					else if (code === 'not-found') await assertUnknown(site.images, run, ctx, id, message, where);
					asked += 1;
				}
			const kinds = STATUSES.length + (ctx.project === null ? 0 : MEMBER_STATUSES.length);
			assert.equal(asked, OWNERS.length * VISIBILITIES.length * kinds * Object.keys(VERBS).length);
		});

	it("creation: for one's own project, in the visibilities one may give", async () => {
		const { images } = await testSite();
		for (const [who, ctx] of Object.entries(CALLERS))
			for (const owner of [undefined, 'project-a', 'project-b', null])
				for (const visibility of VISIBILITIES) {
					const { code } = await outcomeOf(images.create(ctx, { visibility, ...(owner !== undefined && { owner }) }));
					const isOwn = ctx.project !== null && (owner === undefined ? ctx.project : owner) === ctx.project;
					const may = ctx.admin || (ctx.roles.includes('member') && isOwn && visibility !== 'public');
					assert.equal(code, may ? 'ok' : 'forbidden', `${who} creates a ${visibility} image for ${owner}`);
				}
	});

	it('lists need the role reader and a project', async () => {
		const { images } = await testSite();
		for (const [who, ctx] of Object.entries(CALLERS)) {
			const sort = [{ key: 'id', descending: false } as const];
			const { code } = await outcomeOf(images.list(ctx, { filters: [], sort, limit: 5, withCommunity: false }));
			const may = ctx.admin || (ctx.roles.includes('reader') && ctx.project !== null);
			assert.equal(code, may ? 'ok' : 'forbidden', who);
		}
	});
});

/** What is hidden must not differ by a letter from what never was. */
async function assertUnknown(
	images: ImageController,
	run: Verb['run'],
	ctx: RequestContext,
	id: string,
	message: string,
	where: string,
) {
	const never = crypto.randomUUID();
	const unknown = await outcomeOf(run(images, ctx, never));
	assert.equal(unknown.code, 'not-found', where);
	assert.equal(message.replaceAll(id, 'ID'), unknown.message.replaceAll(never, 'ID'), where);
}
