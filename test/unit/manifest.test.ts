import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { BlackHoleBlockstore } from 'blockstore-core/black-hole';
import { importFile } from 'ipfs-unixfs-importer';
import { fixedSize } from 'ipfs-unixfs-importer/chunker';
import { DIGEST_BYTES } from '#content/limits.ts';
import { blockCount, isRoot, LINKS_PER_NODE, matchesRoot, rootOf } from '#content/manifest.ts';
import { MiB } from '#lib/sizes.ts';
import { patternStream } from '../support/pattern.ts';

test('the root is the importer’s for edge sizes of 1 MiB blocks', { timeout: 120_000 }, async () => {
	for (const size of [0, 1, MiB - 1, MiB, MiB + 1, 2 * MiB, 5 * MiB + 7]) await agree(size, MiB);
});

test('the root is the importer’s around full nodes and full levels of nodes', { timeout: 120_000 }, async () => {
	const level = LINKS_PER_NODE * LINKS_PER_NODE;
	for (const blocks of [1, 2, LINKS_PER_NODE - 1, LINKS_PER_NODE, LINKS_PER_NODE + 1, 2 * LINKS_PER_NODE, 2 * LINKS_PER_NODE + 1])
		for (const off of [-1, 0, 1]) await agree(blocks * 64 + off, 64);
	for (const blocks of [level - 1, level, level + 1, level + LINKS_PER_NODE + 1]) await agree(blocks * 16, 16);
});

test('the root is the importer’s around 174 blocks of 1 MiB', { timeout: 120_000 }, async () => {
	for (const off of [-1, 0, 1]) await agree(LINKS_PER_NODE * MiB + off, MiB);
});

test('the root is the importer’s for 1,000 random sizes and block sizes', { timeout: 300_000 }, async () => {
	let seed = 20_261;
	const random = (below: number): number => {
		seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
		return Math.floor((seed / 2 ** 32) * below);
	};
	for (let round = 0; round < 1000; round++) {
		const blockSize = [16, 64, 1024, 4096, 65_536][random(5)] ?? 16;
		const blocks = random(round % 50 === 0 ? 3000 : 400);
		await agree(Math.min(blocks * blockSize + random(blockSize), 4 * MiB), blockSize);
	}
});

test('the root is the importer’s for 1 GiB', { timeout: 300_000 }, async () => {
	await agree(1024 * MiB, MiB);
});

test('a list of another length or with one bit changed does not match the root', async () => {
	const digests = await digestsOf(10_000, 64);
	const root = rootOf(digests, 10_000, 64);
	assert.equal(await matchesRoot(root, digests, 10_000, 64), true);
	assert.equal(await matchesRoot(root, digests.subarray(DIGEST_BYTES), 10_000, 64), false);
	const flipped = digests.slice();
	flipped[99] = (flipped[99] ?? 0) ^ 1;
	assert.equal(await matchesRoot(root, flipped, 10_000, 64), false);
	assert.equal(await matchesRoot(root, digests, 9_999, 64), false);
});

test('a root is never a path', () => {
	assert.equal(isRoot(rootOf(new Uint8Array(0), 0, MiB)), true);
	for (const text of ['', '..', '../../etc/passwd', `b${'a'.repeat(57)}/`, `B${'A'.repeat(58)}`, `b${'a'.repeat(59)}`])
		assert.equal(isRoot(text), false, text);
});

async function agree(size: number, blockSize: number): Promise<void> {
	const theirs = await importFile({ content: patternStream(size, 65_536) }, new BlackHoleBlockstore(), {
		cidVersion: 1,
		rawLeaves: true,
		chunker: fixedSize({ chunkSize: blockSize }),
	});
	const ours = rootOf(await digestsOf(size, blockSize), size, blockSize);
	assert.equal(ours, theirs.cid.toString(), `${size} bytes in blocks of ${blockSize}`);
}

async function digestsOf(size: number, blockSize: number): Promise<Uint8Array> {
	const digests = new Uint8Array(blockCount(size, blockSize) * DIGEST_BYTES);
	let index = 0;
	for await (const block of patternStream(size, blockSize))
		digests.set(createHash('sha256').update(block).digest(), index++ * DIGEST_BYTES);
	return digests;
}
