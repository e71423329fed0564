import type { Adopter, AdoptionWish } from '#domain/adoption.ts';
import { ImageError } from '#domain/errors.ts';
import { VISIBILITIES, type Visibility } from '#domain/image.ts';
import type { Log } from '#lib/log.ts';
import type { AppContext } from '../env.ts';
import { jsonLines } from '../json-lines.ts';
import type { Route } from '../route.ts';
import { adminBody, adminOnly } from './guards.ts';

/** `POST /admin/v1/stores/{store}/adoption`: what lies in a store becomes images; each step is a line. It ends when the client goes. */
export function adoptionRoutes(adopter: Adopter, log: Log): readonly Route[] {
	async function adopt(c: AppContext): Promise<Response> {
		const wish = wishOf(await adminBody(c));
		return jsonLines(c, log, (write) => adopter.adopt(c.var.ctx, c.req.param('store') ?? '', wish, write));
	}
	return [{ path: '/admin/v1/stores/:store/adoption', methods: { POST: adminOnly(adopt) } }];
}

const OWNER = /^[^\p{Cc}]{1,255}$/u;

function wishOf(body: Readonly<Record<string, unknown>>): AdoptionWish {
	const { owner, visibility = 'shared', dry_run: dryRun = false, ...others } = body;
	const [unknown] = Object.keys(others);
	if (unknown !== undefined) throw new ImageError('invalid', `${unknown.slice(0, 64)} is not something an adoption knows`);
	if (owner !== undefined && (typeof owner !== 'string' || !OWNER.test(owner)))
		throw new ImageError('invalid', 'owner must be the id of a project');
	if (!isVisibility(visibility)) throw new ImageError('invalid', `visibility must be one of ${VISIBILITIES.join(', ')}`);
	if (typeof dryRun !== 'boolean') throw new ImageError('invalid', 'dry_run must be true or false');
	return { visibility, dryRun, ...(owner !== undefined && { owner }) };
}

function isVisibility(value: unknown): value is Visibility {
	return VISIBILITIES.some((name) => name === value);
}
