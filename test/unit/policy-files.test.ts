/** The operator's files: what is read, in which order, and when it comes into force. */
import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Log, silentLog } from '#lib/log.ts';
import { type OpenPolicy, type OpenPolicyOptions, openPolicy } from '#policy/policy.ts';
import { caller } from '../support/onion.ts';
import { type TemporaryDir, temporaryDir } from '../support/temporary-dir.ts';

let dir: TemporaryDir;
beforeEach(async () => {
	dir = await temporaryDir();
});
afterEach(() => dir[Symbol.asyncDispose]());

const at = (...names: readonly string[]) => join(dir.path, ...names);
const write = (name: string, text: string) => writeFile(at(name), text);

function errorsInto(errors: object[]): Log {
	const log: Log = { ...silentLog, error: (fields) => void errors.push(fields), child: () => log };
	return log;
}

/** Looks at its files only when told to. */
const opened = (over: Partial<OpenPolicyOptions> = {}) =>
	openPolicy({
		file: at('policy.yaml'),
		dirs: [at('policy.d')],
		log: silentLog,
		watch: () => ({ [Symbol.dispose]() {} }),
		...over,
	});
const mayListImages = (policy: OpenPolicy, role: string) => policy.allows(caller({ roles: [role] }), 'get_images', {});

describe('policy files', () => {
	it('without any, the defaults are in force', async () => {
		await using policy = await opened();
		assert.equal(policy.allows(caller(), 'get_images', { project_id: 'project-a' }), true);
		assert.equal(mayListImages(policy, 'auditor'), false);
	});

	it('YAML and JSON, texts and lists of lists replace defaults by name', async () => {
		await mkdir(at('policy.d'));
		await write('policy.yaml', '# ours\nget_images: role:auditor\nours: role:keeper\ndelete_image: "rule:ours"\n');
		await write('policy.d/a.json', '{"get_image": [["role:keeper"], ["role:auditor", "role:other"]]}');
		await using policy = await opened();
		assert.equal(mayListImages(policy, 'auditor'), true);
		assert.equal(policy.allows(caller({ roles: ['keeper'] }), 'delete_image', {}), true);
		assert.equal(policy.allows(caller({ roles: ['keeper'] }), 'get_image', {}), true);
		assert.equal(policy.allows(caller({ roles: ['auditor'] }), 'get_image', {}), false);
	});

	it('the folder is read after the file, by name, without what is hidden or of another kind', async () => {
		await mkdir(at('policy.d'));
		await write('policy.yaml', 'get_images: role:file');
		await write('policy.d/20.yml', 'get_images: role:twenty');
		await write('policy.d/10.yaml', 'get_images: role:ten');
		await write('policy.d/.99.yaml', 'get_images: role:hidden');
		await write('policy.d/99.yaml~', 'get_images: role:backup');
		await using policy = await opened();
		assert.equal(mayListImages(policy, 'twenty'), true);
		for (const other of ['file', 'ten', 'hidden', 'backup']) assert.equal(mayListImages(policy, other), false);
	});

	it('a file that is written, replaced, taken away or linked elsewhere counts from then on', async () => {
		await write('policy.yaml', 'get_images: role:one');
		await using policy = await opened();
		await write('policy.yaml', 'get_images: role:two');
		await policy.reload();
		assert.equal(mayListImages(policy, 'two'), true);
		await write('next.yaml', 'get_images: role:six');
		await rename(at('next.yaml'), at('policy.yaml'));
		await policy.reload();
		assert.equal(mayListImages(policy, 'six'), true);
		await rm(at('policy.yaml'));
		await policy.reload();
		assert.equal(mayListImages(policy, 'six'), false);
		// a mounted config map: the folder behind the link is swapped
		for (const version of ['v1', 'v2']) {
			await mkdir(at(version));
			await write(`${version}/policy.yaml`, `get_images: role:${version}`);
		}
		await symlink('v1', at('current'));
		await symlink(join('current', 'policy.yaml'), at('policy.yaml'));
		await policy.reload();
		assert.equal(mayListImages(policy, 'v1'), true);
		await symlink('v2', at('swap'));
		await rename(at('swap'), at('current'));
		await policy.reload();
		assert.equal(mayListImages(policy, 'v2'), true);
		await mkdir(at('policy.d'));
		await write('policy.d/x.yaml', 'get_images: role:late');
		await policy.reload();
		assert.equal(mayListImages(policy, 'late'), true);
	});

	it('a broken file leaves the rules before it in force and is complained of once', async () => {
		const errors: object[] = [];
		await write('policy.yaml', 'get_images: role:good');
		await using policy = await opened({ log: errorsInto(errors) });
		for (const broken of [
			'get_images: [',
			'get_images: role:new\nget_image: 5',
			'- a list',
			`# ${'x'.repeat(2 ** 20)}`,
			'get_images: !',
		]) {
			await write('policy.yaml', broken);
			await policy.reload();
			await policy.reload();
			assert.equal(mayListImages(policy, 'good'), true, broken.slice(0, 40));
		}
		assert.equal(errors.length, 5, JSON.stringify(errors));
		await write('policy.yaml', 'get_images: role:mended');
		await policy.reload();
		assert.equal(mayListImages(policy, 'mended'), true);
	});

	it('a broken file at the start is an error that names it and the line', async () => {
		await write('policy.yaml', '# one\nget_images: 5\n');
		await assert.rejects(opened(), /policy\.yaml:2: rule get_images is neither a text nor a list of lists/);
	});

	it('a malformed rule refuses everybody and is logged, the others count', async () => {
		const errors: object[] = [];
		await write('policy.yaml', 'get_images: "(role:a"\nget_image: role:a');
		await using policy = await opened({ log: errorsInto(errors) });
		assert.equal(mayListImages(policy, 'a'), false);
		assert.equal(policy.allows(caller({ roles: ['a'] }), 'get_image', {}), true);
		assert.equal(errors.length, 1);
	});

	it('the watcher brings a change into force by itself', async () => {
		const looks: (() => Promise<void>)[] = [];
		let stopped = false;
		const watch = (look: () => Promise<void>) => {
			looks.push(look);
			return {
				[Symbol.dispose]() {
					stopped = true;
				},
			};
		};
		{
			await using policy = await opened({ watch });
			await write('policy.yaml', 'get_images: role:seen');
			await looks[0]?.();
			assert.equal(mayListImages(policy, 'seen'), true);
		}
		assert.ok(stopped);
	});
});
