/**
 * Patches against an oracle of its own: whatever operations come, the image is what the documents say, or the refusal is
 * one that some operation deserves.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { codeOf } from '#domain/errors.ts';
import type { Image } from '#domain/image.ts';
import { applyChanges } from '#domain/image-changes.ts';
import { parseJson } from '#http/json-body.ts';
import { PATCH_TYPES, parseImagePatch } from '#http/wire/image-patch.ts';
import { DEFAULT_RULES } from '#http/wire/image-rules.ts';
import { judgePatch, type PatchedImage } from '../support/patch-oracle.ts';
import { sampleImage } from '../support/sample-image.ts';

const RUNS = 200_000;
const STATUS_OF: Readonly<Record<string, number>> = { invalid: 400, forbidden: 403, conflict: 409 };

Object.freeze(Object.prototype);

const name = fc.oneof(
	fc.constantFrom(
		'name',
		'owner',
		'visibility',
		'protected',
		'os_hidden',
		'min_disk',
		'min_ram',
		'disk_format',
		'container_format',
		'tags',
	),
	fc.constantFrom(
		'a',
		'b',
		'colour',
		'a/b',
		'c~d',
		'größe',
		'constructor',
		'toString',
		'__proto__',
		'kernel_id',
		' a ',
		'x'.repeat(256),
	),
	fc.constantFrom('id', 'status', 'size', 'stores', 'self', 'os_hash_value', 'location', 'deleted', 'os_glance_x', 'os_glance'),
);
const pointer = fc.oneof(
	{ weight: 8, arbitrary: name.map((text) => `/${text.replaceAll('~', '~0').replaceAll('/', '~1')}`) },
	fc.constantFrom('', '/', '//a', '/a/', 'a', '/a~', '/a~2', '/a/b', '/tags/-', '/tags/0', '/ ', '/a//b'),
	fc.constantFrom('/locations', '/locations/-', '/locations/0', '/locations/x', '/locations/0/url'),
	fc.constantFrom(3, null, ['/a'], {}),
);
const value = fc.oneof(
	fc.constantFrom('x', 'y', '', 'raw', 'qcow2', 'bare', 'public', 'community', 'x'.repeat(256), '\u{1f600}', '\ud83d', 'a\0b'),
	fc.constantFrom(0, 1, -1, 2 ** 31 - 1, 2 ** 31, 1.5, true, false, null),
	fc.constantFrom(['x'], ['x', 'x', 'y'], [], ['x', 3], {}, ['\ud83d'], '00000000-0000-4000-8000-000000000000'),
);
const withValue = <T extends object>(item: fc.Arbitrary<T>) =>
	fc
		.tuple(item, fc.option(value, { freq: 12 }))
		.map(([members, given]) => (given === null ? members : { ...members, value: given }));
const newer = withValue(
	fc.record({
		op: fc.oneof({ weight: 9, arbitrary: fc.constantFrom('add', 'replace', 'remove') }, fc.constantFrom('test', 'move', 3)),
		path: pointer,
	}),
);
const older = withValue(
	fc.oneof(
		{
			weight: 9,
			arbitrary: fc.tuple(fc.constantFrom('add', 'replace', 'remove'), pointer).map(([op, path]) => ({ [op]: path })),
		},
		fc.record({ add: pointer, remove: pointer }),
		fc.constant({}),
	),
);
const junk = fc.constantFrom(3, null, 'x', [], {});
const items = (item: fc.Arbitrary<object>) =>
	fc.oneof({ weight: 20, arbitrary: fc.array(fc.oneof({ weight: 20, arbitrary: item }, junk), { maxLength: 5 }) }, junk);
const request = fc.oneof(
	fc.record({ version: fc.constant('2.0' as const), body: items(older) }),
	fc.record({ version: fc.constant('2.1' as const), body: items(newer) }),
);
const image = fc.record({
	status: fc.constantFrom('queued', 'active', 'importing', 'deactivated'),
	properties: fc.constantFrom({}, { a: '1' }, { a: '1', colour: 'red', constructor: 'c' }),
	tags: fc.constantFrom([], ['t']),
});

function seen({ status, properties, tags, ...rest }: Image): PatchedImage {
	const { name: title, owner, visibility, protected: kept, hidden, minDisk, minRam, diskFormat, containerFormat } = rest;
	const base = {
		...{ name: title, owner, visibility, protected: kept, os_hidden: hidden, min_disk: minDisk, min_ram: minRam },
		...{ disk_format: diskFormat, container_format: containerFormat },
	};
	return { status, base, properties, tags };
}

describe('a patch', () => {
	it(`does what the documents say, ${RUNS} times`, () => {
		let applied = 0;
		fc.assert(
			fc.property(image, request, (fields, { version, body }) => {
				const before = sampleImage(fields as Partial<Image>);
				const verdict = judgePatch(version, seen(before), body);
				// over the wire, so that what JSON cannot say is not said
				const sent = Buffer.from(JSON.stringify(body));
				try {
					const changes = parseImagePatch(PATCH_TYPES[version === '2.0' ? 0 : 1], parseJson(sent), DEFAULT_RULES);
					const after = seen(applyChanges(before, changes));
					assert.ok('image' in verdict, `applied what deserves ${'faults' in verdict && [...verdict.faults].join(' or ')}`);
					assert.deepEqual(after, verdict.image);
					applied += 1;
				} catch (error) {
					const status = STATUS_OF[codeOf(error) ?? ''];
					if (status === undefined) throw error;
					assert.ok('faults' in verdict, `refused with ${status}: ${error}`);
					assert.ok(
						(verdict.faults as ReadonlySet<number>).has(status),
						`${status} and not ${[...verdict.faults].join(' or ')}: ${error}`,
					);
				}
			}),
			{ numRuns: RUNS },
		);
		assert.ok(applied > RUNS / 20, `only ${applied} were applied`);
	});
});
