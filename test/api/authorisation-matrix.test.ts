/**
 * Who may do what: every kind of caller, image and request is put to the API under both sets of default rules, and the
 * answers are compared with an oracle that knows Glance's documents and not the code under test.
 */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { ImageId } from '#domain/image.ts';
import type { ImageSetData, Op } from '#domain/ops.ts';
import type { Identity } from '#identity/ports.ts';
import { silentLog } from '#lib/log.ts';
import { createRulePolicy } from '#policy/rule-policy.ts';
import { openMemory } from '#store/drivers/memory.ts';
import * as oracle from '../support/access-oracle.ts';
import { type ApiServer, type Reply, shapeOf, startApi } from '../support/api-server.ts';
import { IMAGE_VERBS, type ImageVerb, pathOf } from '../support/image-verbs.ts';
import { memoryImageCache } from '../support/memory-image-cache.ts';
import { administrator, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';
import { testStore, testStores } from '../support/test-store.ts';

const OWN = 'project-a';
const OTHER_MEMBER = 'project-m';

const CALLERS: Readonly<Record<string, oracle.Caller>> = {
	administrator: { roles: ['admin'], project: OWN },
	'administrator of the system': { roles: ['admin'], project: null, system: true },
	member: { roles: ['member', 'reader'], project: OWN },
	'member alone': { roles: ['member'], project: OWN },
	reader: { roles: ['reader'], project: OWN },
	'no role': { roles: [], project: OWN },
	service: { roles: ['service'], project: OWN },
	'member without project': { roles: ['member', 'reader'], project: null },
};

/** The token is the caller's name. */
const byName: Identity = {
	challenge: 'x',
	async identify(credentials) {
		const { roles, project, system } = CALLERS[credentials.header('x-auth-token') ?? ''] ?? assert.fail('no caller');
		const facts = { userDomain: null, projectDomain: null, domain: null, adminProject: true, service: null };
		return { user: 'user', project, roles, ...(system && { token: { ...facts, systemScope: 'all' } }) };
	},
};

interface Bench extends ApiServer {
	/** an image in this situation */
	imageIn(situation: oracle.Situation): Promise<ImageId>;
	listAs(who: string, query: oracle.ListQuery): Promise<Reply>;
	askAs(who: string, verb: ImageVerb, id: ImageId, other?: string): Promise<Reply>;
	/** ids of images that are in the cache, whether or not they still are images */
	readonly kept: Set<ImageId>;
}

async function bench(rules: oracle.Situation['rules']): Promise<Bench> {
	const isNew = rules === 'new';
	const agent = new Agent({ keepAlive: true, maxSockets: WIDTH });
	const policy = createRulePolicy({ enforceNewDefaults: isNew, enforceScope: isNew, log: silentLog });
	const imageCache = memoryImageCache();
	const stores = testStores([{ ...testStore('web', await openMemory()), schemes: ['https'] }]);
	const site = await testSite({ policy, imageCache, stores });
	const api = await startApi({ site, identity: byName, isAdmin: (ctx) => policy.allows(ctx, 'context_is_admin', {}) });
	const admin = administrator();
	const full = await site.images.create(admin, UPLOADABLE);
	const { content, checksum, hashAlgorithm, hashValue } = await site.images.upload(admin, full.id, uploadOf(Buffer.from('x')));
	assert.ok(content && checksum && hashAlgorithm && hashValue);
	const data = { content, checksum, hashAlgorithm, hashValue };
	return {
		...api,
		async [Symbol.asyncDispose]() {
			agent.destroy();
			await api[Symbol.asyncDispose]();
		},
		kept: imageCache.kept,
		async imageIn(situation) {
			const id = crypto.randomUUID();
			await site.catalogue.commit(opsOf(id, situation, data));
			return id;
		},
		listAs: (who, query) =>
			api.ask('GET', `/v2/images?limit=1000&${new URLSearchParams({ ...query })}`, { agent, headers: { 'x-auth-token': who } }),
		askAs(who, verb, id, other = OTHER_MEMBER) {
			const { method, headers, body, ...place } = IMAGE_VERBS[verb]({ self: CALLERS[who]?.project ?? 'nobody', other });
			const options = { agent, headers: { ...headers, 'x-auth-token': who }, ...(body !== undefined && { body }) };
			return api.ask(method, pathOf({ method, ...place }, id), options);
		},
	};
}

type Data = Pick<ImageSetData, 'content' | 'checksum' | 'hashAlgorithm' | 'hashValue'>;

function opsOf(id: ImageId, s: oracle.Situation, data: Data): readonly Op[] {
	const { owner, visibility, status, membership, hidden, caller } = s;
	const fields = {
		...{ name: 'the image', owner, visibility, hidden, protected: s.protected, minDisk: 0, minRam: 0 },
		...UPLOADABLE,
	};
	const become = (next: 'saving' | 'uploading' | 'deactivated'): Op => ({ type: 'image.status', id, status: next });
	const active: readonly Op[] = [
		become('saving'),
		{ type: 'image.data', id, ...data, virtualSize: null },
		{ type: 'copy.add', id, store: 'web', kind: 'backend', url: 'https://example.com/image', metadata: {} },
	];
	const ways: Readonly<Record<typeof status, readonly Op[]>> = {
		queued: [],
		saving: [become('saving')],
		uploading: [become('uploading'), { type: 'image.stage', id, ...data }],
		active,
		deactivated: [...active, become('deactivated')],
		deleted: [...active, { type: 'image.delete', id }],
	};
	const member = caller.project ?? 'nobody';
	return [
		{
			type: 'image.create',
			id,
			fields: { diskFormat: 'raw', containerFormat: 'bare', ...fields, tags: ['given'], properties: {} },
		},
		{ type: 'member.add', id, member: OTHER_MEMBER },
		...(membership === 'none' ? [] : [{ type: 'member.add', id, member } as const]),
		...(membership === 'none' || membership === 'pending'
			? []
			: [{ type: 'member.status', id, member, status: membership } as const]),
		...ways[status],
	];
}

const MIDWAY: readonly string[] = ['saving', 'uploading'];

/**
 * Every owner, visibility and membership. Where nothing can be changed, what data does in between does not matter; nor does
 * the status where a membership has no effect. Whether an image is hidden or protected goes round.
 */
function situationsOf(rules: oracle.Situation['rules'], caller: oracle.Caller): readonly oracle.Situation[] {
	const memberships = caller.project === null ? (['none'] as const) : oracle.MEMBERSHIPS;
	let round = 0;
	return [OWN, 'project-b', null].flatMap((owner) =>
		oracle.VISIBILITIES.flatMap((visibility) =>
			memberships.flatMap((membership) => {
				const isPlain = membership === 'none' || (membership === 'accepted' && owner === 'project-b');
				const most = owner === OWN ? oracle.STATUSES : oracle.STATUSES.filter((status) => !MIDWAY.includes(status));
				const statuses = isPlain ? most : (['active'] as const);
				return statuses.map((status) => {
					round += 1;
					const flags = { hidden: round % 2 === 0, protected: round % 3 === 0 };
					return { rules, caller, owner, visibility, status, membership, ...flags };
				});
			}),
		),
	);
}

const VERBS = Object.keys(IMAGE_VERBS) as readonly ImageVerb[];
const described = ({ owner, visibility, status, membership, hidden, protected: kept }: oracle.Situation) =>
	`${hidden ? 'hidden ' : ''}${kept ? 'protected ' : ''}${status} ${visibility} image of ${owner}, membership ${membership}`;

for (const rules of ['new', 'legacy'] as const)
	describe(`under the ${rules} rules`, () => {
		let api: Bench;
		before(async () => {
			api = await bench(rules);
		});
		after(() => api[Symbol.asyncDispose]());

		it('every route of images has been thought of', () => {
			const verbs = VERBS.map((verb) => IMAGE_VERBS[verb]({ self: OWN, other: OTHER_MEMBER }));
			const asked = new Set(verbs.map(({ method, route }) => `${method} ${route}`));
			for (const { path, methods } of api.routes.filter(
				(each) => each.path.includes('/:id') && !/^\/(?:v2\/tasks|admin)\//.test(each.path),
			))
				for (const method of Object.keys(methods)) assert.ok(asked.has(`${method} ${path}`), `no verb for ${method} ${path}`);
		});

		for (const [who, caller] of Object.entries(CALLERS)) {
			it(`${who}: every request is answered as the documents say`, async () => {
				const situations = situationsOf(rules, caller);
				const mismatches: string[] = [];
				const unknown = new Map<ImageVerb, object>();
				for (const verb of VERBS) unknown.set(verb, shapeOf(await api.askAs(who, verb, NEVER), NEVER));
				await inTurns(situations, async (situation) => {
					let id = await api.imageIn(situation);
					for (const verb of VERBS) {
						const where = `${verb}: ${described(situation)}`;
						const before = api.catalogue.image(id);
						const reply = await api.askAs(who, verb, id);
						const wanted = oracle.ANSWERS[verb](situation);
						if (reply.status !== wanted) mismatches.push(`${where}: ${reply.status} instead of ${wanted}`);
						if (reply.status === 404) {
							const other = oracle.mayGet(situation) ? await api.askAs(who, verb, id, NO_MEMBER) : undefined;
							const same = other === undefined ? unknown.get(verb) : shapeOf(other, id, NO_MEMBER);
							const shape = other === undefined ? shapeOf(reply, id) : shapeOf(reply, id, OTHER_MEMBER);
							if (!isDeepStrictEqual(shape, same))
								mismatches.push(`${where}: told from another by ${JSON.stringify(reply.text)}`);
						}
						if (isDeepStrictEqual(api.catalogue.image(id), before)) continue;
						if (reply.status >= 400) mismatches.push(`${where}: refused, and done`);
						id = await api.imageIn(situation);
					}
				});
				noneOf(mismatches);
				assert.ok(situations.length * VERBS.length >= (caller.project === null ? 1_700 : 3_200));
			});
		}

		it('lists hold what the documents say, whatever is asked for', async () => {
			await using lists = await bench(rules);
			const images = new Map<ImageId, Listed>();
			for (const image of imagesToList(rules))
				images.set(await lists.imageIn({ ...image, caller: { roles: [], project: OWN } }), image);
			const mismatches: string[] = [];
			for (const [who, caller] of Object.entries(CALLERS))
				for (const query of queries()) {
					const { status, json } = await lists.listAs(who, query);
					const may = oracle.mayList({ ...PLAIN, rules, caller });
					if (status !== (may ? 200 : 403)) mismatches.push(`${who}: ${status}`);
					if (status !== 200) continue;
					const listed = new Set(json.images.map(({ id }: { readonly id: ImageId }) => id));
					for (const [id, image] of images)
						if (listed.has(id) !== oracle.isListed(seenBy(caller, image), query))
							mismatches.push(
								`${who}, ${JSON.stringify(query)}: ${listed.has(id) ? '' : 'not '}a ${described(seenBy(caller, image))}`,
							);
				}
			noneOf(mismatches);
		});

		it('what is kept of a deleted image is for administrators to know', async () => {
			const id = await api.imageIn({ ...PLAIN, rules, caller: { roles: [], project: OWN }, status: 'deleted' });
			for (const verb of ['drop from the cache', 'drop from the cache as before'] as const) {
				api.kept.add(id);
				for (const who of ['member', 'reader', 'no role'])
					assert.deepEqual(shapeOf(await api.askAs(who, verb, id), id), shapeOf(await api.askAs(who, verb, NEVER), NEVER), who);
				assert.ok(api.kept.has(id));
				assert.ok((await api.askAs('administrator', verb, id)).status < 300);
				assert.ok(!api.kept.has(id));
			}
		});

		it("creation is for one's own project, in the visibilities one may give", async () => {
			const mismatches: string[] = [];
			for (const [who, caller] of Object.entries(CALLERS))
				for (const owner of [undefined, OWN, 'project-b', null])
					for (const visibility of oracle.VISIBILITIES) {
						const image = { visibility, ...(owner !== undefined && { owner }) };
						const { status } = await api.ask('POST', '/v2/images', { headers: { 'x-auth-token': who }, body: image });
						const draft = { ...PLAIN, rules, caller, visibility, owner: owner === undefined ? caller.project : owner };
						const wanted = oracle.answerToCreation(draft);
						if (status !== wanted) mismatches.push(`${who}: a ${visibility} image for ${owner}: ${status} instead of ${wanted}`);
					}
			noneOf(mismatches);
		});
	});

/** What a situation is before somebody asks; the membership is that of whoever has the project of the callers. */
type Listed = Omit<oracle.Situation, 'caller'>;

const seenBy = (caller: oracle.Caller, image: Listed): oracle.Situation =>
	caller.project === null ? { ...image, caller, membership: 'none' } : { ...image, caller };

const PLAIN: Omit<Listed, 'rules'> = {
	...{ owner: OWN, visibility: 'private', status: 'queued', membership: 'none' },
	...{ hidden: false, protected: false },
};

function imagesToList(rules: oracle.Situation['rules']): readonly Listed[] {
	const each = <T, U>(values: readonly T[], of: (value: T) => readonly U[]) => values.flatMap(of);
	return each([OWN, 'project-b', null], (owner) =>
		each(oracle.VISIBILITIES, (visibility) =>
			each(oracle.MEMBERSHIPS, (membership) =>
				each(['queued', 'active', 'deleted'] as const, (status) =>
					[true, false].map((hidden) => ({ rules, owner, visibility, membership, status, hidden, protected: false })),
				),
			),
		),
	);
}

function* queries(): Generator<oracle.ListQuery> {
	for (const visibility of [undefined, ...oracle.VISIBILITIES, 'all'])
		for (const member_status of [undefined, 'pending', 'accepted', 'rejected', 'all'])
			for (const os_hidden of [undefined, 'true'])
				yield { ...(visibility && { visibility }), ...(member_status && { member_status }), ...(os_hidden && { os_hidden }) };
}

function noneOf(mismatches: readonly string[]): void {
	assert.equal(mismatches.length, 0, `${mismatches.length} mismatches:\n${mismatches.slice(0, 40).join('\n')}`);
}

const NEVER = crypto.randomUUID();
const NO_MEMBER = 'project-never';

/** so many situations are gone through at a time */
const WIDTH = 8;

async function inTurns<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
	const left = items.values();
	await Promise.all(
		Array.from({ length: WIDTH }, async () => {
			for (const item of left) await act(item);
		}),
	);
}
