/** The clients people have: Debian's openstack and glance commands and qemu, against a real server. */
import assert from 'node:assert/strict';
import { type ExecFileException, execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ApiServer, startApi } from '../support/api-server.ts';
import { type TemporaryDir, temporaryDir } from '../support/temporary-dir.ts';

const COMMAND_TIMEOUT_MS = 60_000;

/** Standard output of a command; whatever goes wrong is an error with what it said. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = CLEAN_ENV): Promise<string> {
	return new Promise((resolve, reject) => {
		execFile(command, args, { timeout: COMMAND_TIMEOUT_MS, env }, (error: ExecFileException | null, stdout, stderr) => {
			if (error)
				reject(new Error(`${command} ${args.join(' ')}: ${error.code ?? error.signal}\n${stdout}\n${stderr}`, { cause: error }));
			else resolve(stdout);
		});
	});
}

/** Nothing of the user's own cloud may reach the clients. */
const CLEAN_ENV = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OS_')));

const missing = async (command: string): Promise<string | false> =>
	run(command, ['--version']).then(
		() => false as const,
		() => `${command} is not installed`,
	);

/** Debian keeps qemu's HTTP driver in a package of its own. */
async function missingQemuHttp(): Promise<string | false> {
	const nobody = run('qemu-img', ['info', 'http://127.0.0.1:1/']);
	const said = await nobody.catch((error: Error) => error.message);
	return said.includes('Unknown protocol') && 'qemu-img has no HTTP driver (qemu-block-extra is not installed)';
}

const absent = {
	openstack: await missing('openstack'),
	glance: await missing('glance'),
	qemu: (await missing('qemu-img')) || (await missingQemuHttp()),
};

let api: ApiServer;
let dir: TemporaryDir;
before(async () => {
	api = await startApi();
	dir = await temporaryDir();
});
after(async () => {
	await api[Symbol.asyncDispose]();
	await dir[Symbol.asyncDispose]();
});

describe('openstack', { skip: absent.openstack }, () => {
	const openstack = (...args: readonly string[]) =>
		run('openstack', ['--os-auth-type', 'none', '--os-endpoint', api.url, ...args]);
	const json = async (...args: readonly string[]) => JSON.parse(await openstack(...args, '-f', 'json'));

	it('creates, lists, shows, sets, saves and deletes an image', async () => {
		const file = join(dir.path, 'disk.img');
		const saved = join(dir.path, 'saved.img');
		await writeFile(file, randomBytes(3_000_001));

		const created = await json(
			'image',
			'create',
			'--disk-format',
			'qcow2',
			'--container-format',
			'bare',
			'--file',
			file,
			'debian',
		);
		assert.equal(created.name, 'debian');
		assert.deepEqual(await json('image', 'list'), [{ ID: created.id, Name: 'debian', Status: 'active' }]);
		const shown = await json('image', 'show', 'debian');
		assert.deepEqual([shown.status, shown.size, shown.disk_format, shown.min_disk], ['active', 3_000_001, 'qcow2', 0]);

		await openstack(
			'image',
			'set',
			'--name',
			'renamed',
			'--property',
			'os_distro=debian',
			'--tag',
			'blue',
			'--min-disk',
			'3',
			'debian',
		);
		const set = await json('image', 'show', created.id);
		assert.deepEqual([set.name, set.min_disk, set.tags, set.properties.os_distro], ['renamed', 3, ['blue'], 'debian']);
		await openstack('image', 'unset', '--property', 'os_distro', '--tag', 'blue', 'renamed');
		assert.deepEqual((await json('image', 'show', 'renamed')).tags, []);

		await openstack('image', 'save', '--file', saved, 'renamed');
		assert.ok((await readFile(saved)).equals(await readFile(file)));

		await openstack('image', 'set', '--deactivate', 'renamed');
		assert.equal((await json('image', 'show', 'renamed')).status, 'deactivated');
		await openstack('image', 'set', '--protected', 'renamed');
		await assert.rejects(openstack('image', 'delete', 'renamed'), /protected/);
		await openstack('image', 'set', '--unprotected', 'renamed');
		await openstack('image', 'delete', 'renamed');
		assert.deepEqual(await json('image', 'list'), []);
		await assert.rejects(openstack('image', 'show', 'renamed'), /No Image found/i);
	});

	it('pages through more images than a page holds', async () => {
		const ids = await Promise.all(Array.from({ length: 30 }, (_, n) => api.queued({ name: `page ${n}` })));
		assert.equal((await json('image', 'list', '--property', 'nothing=here')).length, 0);
		assert.equal((await json('image', 'list', '--sort', 'name:asc')).length, ids.length);
		await Promise.all(ids.map((id) => api.ask('DELETE', `/v2/images/${id}`)));
	});
});

describe('glance', { skip: absent.glance }, () => {
	// it keeps the schema of the server in the home directory
	const glance = (...args: readonly string[]) =>
		run('glance', ['--os-image-url', api.url, '--os-auth-token', 'none', ...args], { ...CLEAN_ENV, HOME: dir.path });

	it('creates, lists, updates, tags, downloads, deactivates and deletes an image', async () => {
		const file = join(dir.path, 'glance.img');
		const saved = join(dir.path, 'glance-saved.img');
		await writeFile(file, randomBytes(1_000_003));
		const created = await glance(
			'image-create',
			'--name',
			'g',
			'--disk-format',
			'raw',
			'--container-format',
			'bare',
			'--property',
			'a=b',
			'--file',
			file,
		);
		assert.match(created, /status +\| active/);
		const [id] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(/\| id +\| \S+/.exec(created)?.[0] ?? '') ?? assert.fail(created);
		assert.match(await glance('image-list'), new RegExp(`${id} \\| g `));
		assert.match(await glance('image-update', '--min-ram', '64', '--property', 'a=c', id), /min_ram +\| 64/);
		await glance('image-tag-update', id, 'blue');
		assert.match(await glance('image-show', id), /tags +\| \['?"?blue/);
		await glance('image-download', '--file', saved, id);
		assert.ok((await readFile(saved)).equals(await readFile(file)));
		await glance('image-deactivate', id);
		await glance('image-reactivate', id);
		await glance('image-delete', id);
		assert.doesNotMatch(await glance('image-list'), new RegExp(id));
	});

	it('shares an image, answers, lists and ends it', async () => {
		const id = await api.queued({ name: 'shared' });
		assert.match(await glance('member-create', id, 'project-b'), /project-b \| pending/);
		assert.match(await glance('member-update', id, 'project-b', 'accepted'), /project-b \| accepted/);
		assert.match(await glance('member-get', id, 'project-b'), /status +\| accepted/);
		assert.match(await glance('member-list', '--image-id', id), /project-b \| accepted/);
		assert.match(await glance('image-list', '--member-status', 'all'), new RegExp(id));
		await glance('member-delete', id, 'project-b');
		assert.doesNotMatch(await glance('member-list', '--image-id', id), /project-b/);
		await assert.rejects(glance('member-delete', id, 'project-b'), /404/);
		await glance('image-delete', id);
	});
});

describe('qemu over HTTP', { skip: absent.qemu }, () => {
	it('opens an image by HEAD and ranges and reads what was written', async () => {
		const file = join(dir.path, 'disk.qcow2');
		await run('qemu-img', ['create', '-q', '-f', 'qcow2', file, '100M']);
		await run('qemu-io', ['-c', 'write -P 7 1M 3M', '-c', 'write -P 9 90M 64k', file]);
		const id = await api.active(await readFile(file), { disk_format: 'qcow2' });
		const url = `${api.url}/v2/images/${id}/file`;
		const info = JSON.parse(await run('qemu-img', ['info', '--output', 'json', url]));
		assert.deepEqual([info.format, info['virtual-size']], ['qcow2', 100 * 1024 * 1024]);
		const reads = ['read -P 7 1M 3M', 'read -P 9 90M 64k', 'read -P 0 50M 1M'].flatMap((command) => ['-c', command]);
		assert.doesNotMatch(await run('qemu-io', ['-r', '-f', 'qcow2', ...reads, url]), /verification failed/);
	});
});
