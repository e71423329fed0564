/** Whatever comes, in whatever pieces: the same answer, no crash, no more memory than is promised. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Finding } from '#domain/ports/inspection.ts';
import { createInspector } from '#inspection/inspector.ts';
import {
	dynamicVhd,
	fixedVhd,
	gpt,
	iso,
	joined,
	luks,
	MiB,
	patched,
	qcow2,
	qed,
	vdi,
	vhdx,
	vmdk,
	vmdkDescriptor,
} from '../support/disk-images.ts';
import { inspected } from '../support/inspecting.ts';
import { type Random, seededRandom, testSeed } from '../support/random.ts';

const IMAGES: Readonly<Record<string, Uint8Array>> = {
	qcow2: qcow2(),
	'qcow2, version 2': qcow2({ version: 2 }),
	vmdk: vmdk(),
	'vmdk, streamed': vmdk({ streamed: true }),
	'vmdk, a descriptor': joined(`#${'x'.repeat(5000)}\n${vmdkDescriptor()}`),
	vhd: fixedVhd(new Uint8Array(4096), { size: 4096 }),
	'vhd, dynamic': dynamicVhd(),
	vhdx: vhdx(),
	vdi: vdi(),
	iso: iso(),
	gpt: gpt().subarray(0, 65_536),
	luks: luks(),
	qed: qed(),
};
const seed = testSeed();
const MUTANTS_OF_EACH = 7700;

describe(`chunks of any size (SUNDOG_TEST_SEED=${seed})`, () => {
	for (const [what, image] of Object.entries(IMAGES))
		test(`${what} is found in whatever pieces it comes`, () => {
			const whole = inspected(image);
			const lengths = fc.array(fc.oneof(fc.nat(20), fc.nat(600), fc.nat(70_000)), { maxLength: 300 });
			fc.assert(
				fc.property(lengths, (cuts) => assert.deepEqual(inspected(image, cuts), whole)),
				{ seed, numRuns: 60 },
			);
		});

	test('and byte by byte', () => {
		for (const name of ['qcow2', 'vmdk, streamed', 'vhd', 'iso', 'vdi', 'vmdk, a descriptor']) {
			const image = IMAGES[name]?.subarray(0, 140_000) ?? assert.fail(name);
			assert.deepEqual(inspected(image, Array<number>(image.length).fill(1)), inspected(image), name);
		}
	});

	test('a finding only grows', () => {
		for (const image of Object.values(IMAGES)) {
			const inspector = createInspector();
			let before: Finding = inspector.soFar();
			for (let at = 0; at < image.length; at += 4096) {
				inspector.feed(image.subarray(at, at + 4096));
				const now = inspector.soFar();
				for (const match of before.matches) assert.ok(now.matches.includes(match));
				before = now;
			}
			for (const match of before.matches) assert.ok(inspector.finish().matches.includes(match));
		}
	});

	test('nothing is kept of a chunk: its memory may be used again', () => {
		for (const image of Object.values(IMAGES)) {
			const inspector = createInspector();
			const buffer = new Uint8Array(1000);
			for (let at = 0; at < image.length; at += buffer.length) {
				const part = image.subarray(at, at + buffer.length);
				buffer.set(part);
				inspector.feed(buffer.subarray(0, part.length));
				buffer.fill(0xaa);
			}
			assert.deepEqual(inspector.finish(), inspected(image));
		}
	});
});

describe(`mutants (SUNDOG_TEST_SEED=${seed})`, () => {
	for (const [index, [what, image]] of Object.entries(IMAGES).entries())
		test(`${MUTANTS_OF_EACH} mutants of ${what} crash nothing and keep no more than 1 MiB`, () => {
			const random = seededRandom(seed + index);
			for (let count = 0; count < MUTANTS_OF_EACH; count++) {
				const { finding, most } = observed(mutant(image, random));
				assert.ok(most <= MiB, `${most} bytes kept`);
				for (const { virtualSize, dangers } of finding.matches) {
					assert.ok(virtualSize === null || (Number.isSafeInteger(virtualSize) && virtualSize >= 0), `${virtualSize}`);
					for (const { why } of dangers) assert.match(why, /^[a-z][\x20-\x7e]+$/);
				}
			}
		});

	test('the longest descriptor that is read keeps no more than 1 MiB, the shortest longer one nothing', () => {
		const long = (sectors: number) => observed(patched(vmdk({ descriptorSize: sectors }), 2 * MiB, 'x'));
		assert.ok(long(1920).most > 900_000 && long(1920).most <= MiB);
		assert.ok(long(1921).most < 20_000);
	});

	test('when all is decided nothing but the end is kept', () => {
		const inspector = createInspector();
		inspector.feed(new Uint8Array(2 * MiB));
		assert.equal(inspector.held(), 1536);
	});
});

/** Header bytes flipped, set to extremes, or moved; sometimes cut short. In place would be faster, and would hide aliasing. */
function mutant(image: Uint8Array, random: Random): Uint8Array {
	const copy = image.slice();
	for (let times = random.between(1, 6); times > 0; times--) {
		const near = [64, 512, 2048, copy.length][random.between(0, 3)] ?? 64;
		const place = random.between(0, 9) === 0 ? 32_768 + random.between(0, 100) : random.between(0, near - 1);
		const at = Math.min(place, copy.length - 1);
		const length = Math.min(2 ** random.between(0, 3), copy.length - at);
		const from = random.between(0, Math.min(1024, copy.length - length));
		const value = [0, 0xff, 1 << random.between(0, 7), random.between(0, 255)][random.between(0, 3)] ?? 0;
		if (random.between(0, 4) === 0) copy.copyWithin(at, from, from + length);
		else copy.fill(value, at, at + length);
	}
	return random.between(0, 19) === 0 ? copy.subarray(0, random.between(0, copy.length)) : copy;
}

function observed(image: Uint8Array): { readonly finding: Finding; readonly most: number } {
	const inspector = createInspector();
	let most = 0;
	for (let at = 0; at < image.length; at += 65_536) {
		inspector.feed(image.subarray(at, at + 65_536));
		most = Math.max(most, inspector.held());
	}
	return { finding: inspector.finish(), most };
}
