import type { ImageController } from '#domain/controller.ts';
import type { ImageRules } from '#http/wire/image-rules.ts';
import { parseMemberDraft, parseMemberStatus } from '#http/wire/member-draft.ts';
import { viewMember } from '#http/wire/member-view.ts';
import { refuseAstral } from '#http/wire/texts.ts';
import type { AppContext } from '../env.ts';
import { jsonBody } from '../json-body.ts';
import { respond, respondJson } from '../respond.ts';
import { bodyless, type Route } from '../route.ts';
import { idOf } from './images.ts';

const MAX_MEMBER_BYTES = 16 * 1024;

type Sharing = Pick<ImageController, 'listMembers' | 'addMember' | 'showMember' | 'updateMember' | 'removeMember'>;

/** Image API v2, "Sharing". */
export function memberRoutes(images: Sharing, rules: Pick<ImageRules, 'refuseAstral'>): readonly Route[] {
	async function list(c: AppContext): Promise<Response> {
		const id = idOf(c);
		const members = await images.listMembers(c.var.ctx, id);
		return respondJson(c, 200, { members: members.map((member) => viewMember(id, member)), schema: '/v2/schemas/members' });
	}
	/** 200 and not 201, as Glance. */
	async function add(c: AppContext): Promise<Response> {
		const member = parseMemberDraft(await jsonBody(c, MAX_MEMBER_BYTES));
		if (rules.refuseAstral) refuseAstral(member);
		return respondJson(c, 200, viewMember(idOf(c), await images.addMember(c.var.ctx, idOf(c), member)));
	}
	async function show(c: AppContext): Promise<Response> {
		return respondJson(c, 200, viewMember(idOf(c), await images.showMember(c.var.ctx, idOf(c), memberOf(c))));
	}
	async function update(c: AppContext): Promise<Response> {
		const status = parseMemberStatus(await jsonBody(c, MAX_MEMBER_BYTES));
		return respondJson(c, 200, viewMember(idOf(c), await images.updateMember(c.var.ctx, idOf(c), memberOf(c), status)));
	}
	async function remove(c: AppContext): Promise<Response> {
		await images.removeMember(c.var.ctx, idOf(c), memberOf(c));
		return respond(c, 204, null);
	}
	return [
		{ path: '/v2/images/:id/members', methods: { GET: bodyless(list), POST: add } },
		{ path: '/v2/images/:id/members/:member', methods: { GET: bodyless(show), PUT: update, DELETE: bodyless(remove) } },
	];
}

function memberOf(c: AppContext): string {
	return c.req.param('member') ?? '';
}
