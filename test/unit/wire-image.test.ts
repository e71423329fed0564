import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { codeOf } from '#domain/errors.ts';
import type { Image, ImageChange } from '#domain/image.ts';
import { applyChanges, updateBetween } from '#domain/image-changes.ts';
import { parseImageDraft } from '#http/wire/image-draft.ts';
import { DEFAULT_RULES } from '#http/wire/image-rules.ts';
import { imageTexts, viewImage } from '#http/wire/image-view.ts';
import { sampleImage } from '../support/sample-image.ts';

const IMAGE = sampleImage();

describe('an image on the wire', () => {
	it('is byte for byte what Glance would send', () => {
		assert.equal(
			JSON.stringify(viewImage(IMAGE)),
			'{"colour":"red","name":"n","disk_format":"raw","container_format":"bare","visibility":"public","size":3,"virtual_size":null,' +
				'"status":"active","checksum":"c","protected":true,"min_ram":2,"min_disk":1,"owner":"p","os_hidden":false,"os_hash_algo":"sha512",' +
				'"os_hash_value":"h","id":"00000000-0000-4000-8000-000000000001","created_at":"2026-11-23T07:32:48Z","updated_at":"2026-11-23T07:32:49Z",' +
				'"tags":["t"],"self":"/v2/images/00000000-0000-4000-8000-000000000001","file":"/v2/images/00000000-0000-4000-8000-000000000001/file",' +
				'"schema":"/v2/schemas/image","stores":"file,oslo"}',
		);
	});
	it('has the text of its own revision, whatever was shown of the one before', () => {
		const textOf = imageTexts(DEFAULT_RULES);
		const next = { ...IMAGE, name: 'another', revision: IMAGE.revision + 1 };
		for (const image of [IMAGE, next, IMAGE, next])
			assert.equal(
				textOf(image, () => []),
				JSON.stringify(viewImage(image)),
			);
	});
	it('has its text made once, unless it is so long that it is not worth keeping', () => {
		const madeFor = (colour: string): number => {
			let made = 0;
			const toValue = (_name: string, text: string) => {
				made++;
				return text;
			};
			const textOf = imageTexts({ ...DEFAULT_RULES, custom: { ...DEFAULT_RULES.custom, toValue } });
			const image = { ...IMAGE, properties: { colour } };
			for (let shown = 0; shown < 3; shown++) textOf(image, () => []);
			return made;
		};
		assert.equal(madeFor('red'), 1);
		assert.equal(madeFor('r'.repeat(16 * 1024)), 3);
	});
	for (const rule of ['showMultipleLocations', 'showDirectUrl'])
		it(`is shown with the places of this caller, not of the one before (${rule})`, () => {
			const textOf = imageTexts({ ...DEFAULT_RULES, [rule]: true });
			for (const url of ['file:///a', 'file:///b']) assert.ok(textOf(IMAGE, () => [{ url, metadata: {} }]).includes(`"${url}"`));
		});
	it('has no stores while nothing holds a copy', () => {
		assert.ok(!Object.hasOwn(viewImage({ ...IMAGE, copies: [] }), 'stores'));
	});
	it('a property never takes the place of an attribute', () => {
		assert.equal(viewImage({ ...IMAGE, properties: { status: 'evil', id: 'evil' } }).status, 'active');
	});
});

it('any JSON object becomes a draft or an error with a code, and only strings become properties', () => {
	const names = fc.oneof(
		fc.string(),
		fc.constantFrom('name', 'tags', 'min_disk', 'owner', 'constructor', 'toString', '__proto__', 'id'),
	);
	fc.assert(
		fc.property(fc.dictionary(names, fc.jsonValue()), (body) => {
			try {
				const draft = parseImageDraft(body, DEFAULT_RULES);
				return Object.values(draft.properties ?? {}).every((value) => typeof value === 'string');
			} catch (error) {
				return codeOf(error) === 'invalid' || codeOf(error) === 'forbidden';
			}
		}),
	);
});

describe('changes', () => {
	const queued: Image = { ...IMAGE, status: 'queued' };
	const name = fc.constantFrom('a', 'b', 'colour', 'constructor');
	const change: fc.Arbitrary<ImageChange> = fc.oneof(
		fc.record({
			set: fc.record(
				{ name: fc.constantFrom('n', 'm', null), minDisk: fc.nat(3), diskFormat: fc.constantFrom('raw', null) },
				{ requiredKeys: [] },
			),
		}),
		fc.record({ setProperty: name, value: fc.constantFrom('x', 'y'), when: fc.constant('always' as const) }),
		fc.record({ setTags: fc.array(name) }),
		fc.record({ addTag: name }),
	);
	it('the op between two images turns one into the other', () => {
		fc.assert(
			fc.property(fc.array(change), (changes) => {
				const after = applyChanges(queued, changes);
				const op = updateBetween(queued, after);
				const { set = {}, setProperties = {}, dropProperties = [], addTags = [], dropTags = [] } = op ?? {};
				const replayed: ImageChange[] = [
					{ set },
					...Object.entries(setProperties).map(([setProperty, value]) => ({ setProperty, value, when: 'always' as const })),
					...dropProperties.map((dropProperty) => ({ dropProperty })),
					...addTags.map((addTag) => ({ addTag })),
					...dropTags.map((dropTag) => ({ dropTag })),
				];
				const again = applyChanges(queued, replayed);
				assert.deepEqual({ ...again, tags: again.tags.toSorted() }, { ...after, tags: after.tags.toSorted() });
			}),
		);
	});
	it('what differs in nothing is no op', () => {
		assert.equal(updateBetween(IMAGE, applyChanges(IMAGE, [{ set: { name: 'n' } }, { addTag: 't' }])), undefined);
	});
});
