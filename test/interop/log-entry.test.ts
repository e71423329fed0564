/** The bytes of log entries, which may never change: nodes of all versions verify each other's. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { openEntry, type SealedEntry, sealEntry } from '#catalogue/registry/entry.ts';
import type { Op } from '#domain/ops.ts';
import { createOp, dataOp, fixedLogWriter, imageId, logTrust, stageOp } from '../support/fleet-of-logs.ts';

const id = imageId(1);
const self = fixedLogWriter('centre', 42);
const FIXTURE = new URL('./log-entries.json', import.meta.url);

const METADEF_OPS: readonly Op[] = [
	{
		type: 'metadef.create',
		id: 'OS::Sundog::Test',
		fields: { displayName: 'Test \u{1F427}', description: null, visibility: 'public', protected: false, owner: 'admin' },
		createdAt: 1_767_225_500_000,
	},
	{ type: 'metadef.update', id: 'OS::Sundog::Test', set: { description: 'more of it', protected: true } },
	{
		type: 'metadef.put',
		id: 'OS::Sundog::Test',
		kind: 'property',
		items: [
			{
				was: 'cores',
				createdAt: 1_767_225_500_000,
				value: {
					name: 'cpu_cores',
					schema: {
						name: 'cpu_cores',
						type: 'integer',
						title: 'Cores',
						description: 'how many',
						operators: ['<or>'],
						default: '1',
						readonly: false,
						minimum: 1,
						maximum: 64.5,
						enum: ['1', '2'],
						pattern: '^[0-9]+$',
						minLength: 0,
						maxLength: 2,
						confidential: false,
						items: { type: 'string', enum: ['a'] },
						uniqueItems: true,
						minItems: 0,
						maxItems: 9,
						additionalItems: false,
					},
				},
			},
		],
	},
	{
		type: 'metadef.put',
		id: 'OS::Sundog::Test',
		kind: 'object',
		items: [
			{
				value: {
					name: 'cpu',
					description: null,
					required: ['cores'],
					properties: [{ name: 'cores', schema: { type: 'integer', title: 'Cores', default: null } }],
				},
			},
		],
	},
	{ type: 'metadef.put', id: 'OS::Sundog::Test', kind: 'tag', items: [{ value: { name: 'a' } }, { value: { name: 'b' } }] },
	{
		type: 'metadef.put',
		id: 'OS::Sundog::Test',
		kind: 'association',
		items: [{ value: { name: 'OS::Glance::Image', prefix: 'hw_', propertiesTarget: null } }],
	},
	{ type: 'metadef.drop', id: 'OS::Sundog::Test', kind: 'tag', names: ['a'] },
	{ type: 'metadef.delete', id: 'OS::Sundog::Test' },
];

/** One entry of every type, every optional field used. */
const OPS: readonly Op[] = [
	self.announce,
	createOp(id, { name: 'Debian 12 \u{1F427}', tags: ['b', 'a'], properties: { os: 'linux', arch: 'x86_64' }, minDisk: 2 }),
	{ type: 'image.status', id, status: 'saving' },
	dataOp(id, 5),
	{
		type: 'image.update',
		id,
		set: {
			name: null,
			visibility: 'public',
			owner: null,
			protected: true,
			hidden: true,
			minDisk: 1,
			minRam: 512,
			diskFormat: 'raw',
			containerFormat: 'bare',
		},
		setProperties: { os: 'bsd' },
		dropProperties: ['arch'],
		addTags: ['c'],
		dropTags: ['a'],
	},
	{ type: 'copy.add', id, store: 'file', kind: 'backend' },
	{ type: 'copy.drop', id, store: 'file' },
	{ type: 'image.delete', id },
	{ type: 'member.add', id, member: 'a502104e1768498b86eef40c53440439' },
	{ type: 'member.status', id, member: 'a502104e1768498b86eef40c53440439', status: 'accepted' },
	{ type: 'member.remove', id, member: 'a502104e1768498b86eef40c53440439' },
	...METADEF_OPS,
	stageOp(id, 5),
	{ ...stageOp(id, 5), virtualSize: 10_737_418_240 },
	{
		type: 'copy.add',
		id,
		store: 'fast',
		kind: 'backend',
		url: 'rbd://fsid/images/x/snap',
		metadata: { store: 'fast', rack: ['7', { u: '3' }] },
	},
	{ type: 'image.locations', id, locations: [{ url: 'https://example.org/disk.raw', metadata: { store: 'web' } }] },
	{ type: 'image.vouch', id, size: 5, checksum: null, hashAlgorithm: 'sha512', hashValue: 'ab' },
];

function sealed(): readonly SealedEntry[] {
	const entries: SealedEntry[] = [];
	for (const [index, op] of OPS.entries()) {
		const prev = entries.at(-1)?.hash ?? null;
		const entry = { log: self.log, seq: index + 1, prev, hlc: [1_767_225_600_000, index] as const, op };
		entries.push(sealEntry(entry, self.signer.sign));
	}
	return entries;
}

describe('log entry format 1', () => {
	it('seals every op into the bytes it has always had', async () => {
		const golden = JSON.parse(await readFile(FIXTURE, 'utf8')) as readonly string[];
		assert.deepEqual(
			sealed().map((entry) => Buffer.from(entry.envelope).toString('hex')),
			golden,
		);
	});

	it('opens those bytes to the same ops, chained by the hash of the entry before', async () => {
		const golden = JSON.parse(await readFile(FIXTURE, 'utf8')) as readonly string[];
		let prev: Uint8Array | null = null;
		for (const [index, hex] of golden.entries()) {
			const { entry, hash, signed, signature } = openEntry(Buffer.from(hex, 'hex'));
			assert.deepEqual(entry.op, OPS[index]);
			assert.equal(entry.seq, index + 1);
			assert.deepEqual(entry.prev && Buffer.from(entry.prev), prev && Buffer.from(prev));
			assert.ok(logTrust.verify(self.log, signed, signature));
			assert.equal(Buffer.from(signed.subarray(0, 19)).toString(), 'sundog log entry 1\0');
			assert.deepEqual(createHash('sha256').update(signed.subarray(19)).digest(), Buffer.from(hash));
			prev = hash;
		}
		assert.equal(golden.length, OPS.length);
	});
});
