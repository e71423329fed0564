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
import { administrator, caller, type TestSite, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';

const OWNERS = ['project-a', 'project-b', null] as const;
const STATUSES = ['queued', 'saving', 'active', 'deactivated'] as const satisfies readonly ImageStatus[];

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
}

type Outcome = 'ok' | ErrorCode;

/** Does the image exist for the caller as a fact (visibility), and by the rule get_image? */
const isVisible = ({ ctx, owner, visibility }: Situation) =>
	ctx.admin ||
	owner === null ||
	visibility === 'public' ||
	visibility === 'community' ||
	(owner === ctx.project && ctx.project !== null);
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
};

async function imageIn({ images, catalogue }: TestSite, { owner, visibility, status }: Situation): Promise<string> {
	const admin = administrator();
	const { id } = await images.create(admin, { ...UPLOADABLE, owner, visibility, tags: ['given'] });
	if (status === 'saving') await catalogue.commit([{ type: 'image.status', id, status }]);
	if (status === 'active' || status === 'deactivated') await images.upload(admin, id, uploadOf(Buffer.from('x')));
	if (status === 'deactivated') await images.deactivate(admin, id);
	return id;
}

const outcomeOf = (promise: Promise<unknown>): Promise<{ readonly code: Outcome; readonly message: string }> =>
	promise.then(
		() => ({ code: 'ok' as const, message: '' }),
		(error: Error) => ({ code: codeOf(error) ?? assert.fail(error), message: error.message }),
	);

describe('authorisation matrix', () => {
	for (const [who, ctx] of Object.entries(CALLERS))
		it(`${who}: every verb on every image is answered as Glance would`, async () => {
			const site = await testSite();
			let asked = 0;
			for (const owner of OWNERS)
				for (const visibility of VISIBILITIES)
					for (const status of STATUSES)
						for (const [verb, { run, expected }] of Object.entries(VERBS)) {
							const situation: Situation = { ctx, owner, visibility, status };
							const id = await imageIn(site, situation);
							const { code, message } = await outcomeOf(run(site.images, ctx, id));
							const wanted = isVisible(situation) ? expected(situation) : 'not-found';
							const where = `${verb} a ${status} ${visibility} image of ${owner}`;
							assert.equal(code, wanted, `${where}: ${message}`);
							if (code === 'not-found') await assertUnknown(site.images, run, ctx, id, message, where);
							asked += 1;
						}
			assert.equal(asked, OWNERS.length * VISIBILITIES.length * STATUSES.length * Object.keys(VERBS).length);
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
