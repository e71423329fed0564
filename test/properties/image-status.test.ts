/** The status machine: whatever callers do at once, an image only ever goes where Glance's table lets it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { codeOf } from '#domain/errors.ts';
import { follows, IMAGE_STATUSES, type ImageStatus } from '#domain/image.ts';
import { memoryImageData } from '../support/memory-image-data.ts';
import { bytesOf, caller, type TestSite, testSite, UPLOADABLE, uploadOf } from '../support/onion.ts';

const ctx = caller();

const VERBS = {
	upload: ({ images }: TestSite, id: string, n: number) => images.upload(ctx, id, uploadOf(Buffer.from(`bytes ${n}`))),
	'failing upload': ({ images }: TestSite, id: string, n: number) =>
		images.upload(ctx, id, uploadOf(Buffer.from(`${n}`), { declaredSize: 99 })),
	remove: ({ images }: TestSite, id: string) => images.remove(ctx, id),
	deactivate: ({ images }: TestSite, id: string) => images.deactivate(ctx, id),
	reactivate: ({ images }: TestSite, id: string) => images.reactivate(ctx, id),
	rename: ({ images }: TestSite, id: string, n: number) => images.update(ctx, id, [{ set: { name: `n${n}` } }]),
	tag: ({ images }: TestSite, id: string, n: number) => images.addTag(ctx, id, `t${n}`),
	download: ({ images }: TestSite, id: string) => bytesOf(images, ctx, id),
} as const;

const verb = fc.constantFrom(...(Object.keys(VERBS) as (keyof typeof VERBS)[]));
/** rounds of verbs; those of one round run at once */
const story = fc.array(fc.array(verb, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 });

/** Every record the catalogue ever showed, in order. */
function watch(site: TestSite, id: string): readonly { status: ImageStatus; root: string | undefined; size: number | null }[] {
	const seen: { status: ImageStatus; root: string | undefined; size: number | null }[] = [];
	const look = () => {
		const image = site.catalogue.image(id);
		seen.push({ status: image?.status ?? 'deleted', root: image?.content?.root, size: image?.size ?? null });
	};
	look();
	site.catalogue.follow((change) => change.images.includes(id) && look());
	return seen;
}

describe('image status', () => {
	it('follows the table under any parallel verbs; active bytes never change; nothing is left over', async () => {
		await fc.assert(
			fc.asyncProperty(story, async (rounds) => {
				const data = memoryImageData();
				const site = await testSite({ data });
				const { id } = await site.images.create(ctx, UPLOADABLE);
				const seen = watch(site, id);
				let n = 0;
				for (const round of rounds) {
					const results = await Promise.allSettled(round.map((name, at) => VERBS[name](site, id, n + at)));
					n += round.length;
					for (const result of results)
						if (result.status === 'rejected')
							assert.ok(codeOf(result.reason), `an error without a code: ${result.reason?.stack}`);
				}
				seen.reduce((before, after) => {
					assert.ok(before.status === after.status || follows(before.status, after.status), `${before.status} → ${after.status}`);
					if (before.status === 'active' && after.status !== 'deleted') assert.equal(after.root, before.root);
					if (after.status === 'queued' || after.status === 'saving')
						assert.deepEqual([after.root, after.size], [undefined, null]);
					return after;
				});
				const last = site.catalogue.image(id);
				assert.ok(last?.status !== 'saving', 'nobody uploads, yet the image is saving');
				assert.deepEqual([...data.contents.keys()], last?.content ? [last.content.root] : []);
				assert.equal(data.pinned.size, 0);
			}),
			{ numRuns: 150 },
		);
	});

	it('from every status every verb ends in a status the table allows, or in a code', async () => {
		for (const status of IMAGE_STATUSES)
			for (const name of Object.keys(VERBS) as (keyof typeof VERBS)[]) {
				const site = await testSite();
				const { id } = await site.images.create(ctx, UPLOADABLE);
				for (const step of PATHS[status])
					await site.catalogue.commit([{ type: 'image.status', id, status: step }]).catch(() => {});
				const before = site.catalogue.image(id)?.status ?? 'deleted';
				const outcome = await VERBS[name](site, id, 1).then(
					() => 'ok',
					(error) => codeOf(error),
				);
				const after = site.catalogue.image(id)?.status ?? 'deleted';
				assert.ok(outcome !== undefined, `${name} on a ${before} image has no code`);
				// an upload passes through saving
				const reachable = before === after || follows(before, after) || (before === 'queued' && follows('saving', after));
				assert.ok(reachable, `${name}: ${before} → ${after}`);
			}
	});
});

/** How to get there; what the catalogue itself refuses is left where it is. */
const PATHS: Readonly<Record<ImageStatus, readonly ImageStatus[]>> = {
	queued: [],
	saving: ['saving'],
	active: ['saving', 'active'],
	killed: ['saving', 'killed'],
	deleted: ['deleted'],
	uploading: ['uploading'],
	importing: ['importing'],
	pending_delete: ['saving', 'active', 'pending_delete'],
	deactivated: ['saving', 'active', 'deactivated'],
};
