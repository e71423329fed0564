/** T-JAIL: tools that would take too much, and images made to make them; nothing of either is left behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { codeOf, ImageError } from '#domain/errors.ts';
import { type Jail, type JailEnd, type JailJob, openJail } from '#imports/jail.ts';
import { createQemuImg, type DiskFormat } from '#imports/qemu-img.ts';
import { silentLog } from '#lib/log.ts';
import { GiB, MiB } from '#lib/sizes.ts';
import { eventually } from '../support/eventually.ts';
import { lacking } from '../support/host-tools.ts';
import { pathologicalImages } from '../support/pathological-images.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const skip = lacking('prlimit', 'setpriv', 'sh', 'cat');
const { signal } = new AbortController();
const LIMITS = { cpuSeconds: 5, fileBytes: MiB, wallSeconds: 20 };

async function jailIn(path: string): Promise<Jail> {
	return openJail({ dir: join(path, 'jail'), log: silentLog });
}

async function run(jail: Jail, script: string, more: Partial<JailJob> = {}, stop = signal): Promise<JailEnd> {
	await using cell = await jail.cell();
	return await jail.run({ cell, tool: 'sh', args: ['-c', script], limits: LIMITS, ...more }, { signal: stop });
}

/** Everything in the jail has its cell as working directory. */
async function inside(dir: string): Promise<readonly string[]> {
	const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
	const cwds = await Promise.all(pids.map(async (pid) => [pid, await readlink(`/proc/${pid}/cwd`).catch(() => '')] as const));
	return cwds.filter(([, cwd]) => cwd.startsWith(dir)).map(([pid]) => pid);
}

async function assertNothingLeft(dir: string): Promise<void> {
	assert.deepEqual(await readdir(join(dir, 'jail')), []);
	await eventually('no process in the jail', async () => ((await inside(dir)).length === 0 ? true : undefined));
}

describe('the jail', { skip }, () => {
	test('limits are the process its own, as the kernel knows them', async () => {
		await using dir = await temporaryDir();
		const { stdout } = await run(await jailIn(dir.path), 'cat /proc/self/limits');
		const limit = (name: string) => stdout.match(new RegExp(`^${name} +(\\S+) +(\\S+)`, 'm'))?.slice(1);
		assert.deepEqual(limit('Max address space'), [String(GiB), String(GiB)]);
		assert.deepEqual(limit('Max cpu time'), ['5', '6']);
		assert.deepEqual(limit('Max core file size'), ['0', '0']);
		assert.deepEqual(limit('Max file size'), [String(MiB), String(MiB)]);
		assert.deepEqual(limit('Max processes'), ['1024', '1024']);
		assert.deepEqual(limit('Max open files'), ['256', '256']);
	});

	test('it has no privilege, no way to one, no variable of the node, and a directory of its own', async () => {
		await using dir = await temporaryDir();
		process.env.HUSH = 'secret';
		const { stdout } = await run(await jailIn(dir.path), 'cat /proc/self/status; env; pwd; ls -ldn .');
		delete process.env.HUSH;
		assert.match(stdout, /^NoNewPrivs:\s+1$/m);
		assert.match(stdout, /^CapEff:\s+0+$/m);
		assert.doesNotMatch(stdout, /^Uid:\s+0\b/m);
		assert.doesNotMatch(stdout, /secret/);
		assert.match(stdout, /^drwx------ /m);
	});

	test('it reaches no network, where the host permits that', { skip: lacking('unshare') }, async (t) => {
		await using dir = await temporaryDir();
		const warnings: string[] = [];
		const log = { ...silentLog, warn: (_: object, text: string) => void warnings.push(text) };
		const jail = await openJail({ dir: join(dir.path, 'jail'), log });
		if (warnings.some((text) => text.startsWith('network'))) return t.skip('network namespaces are not permitted here');
		const { stdout } = await run(jail, 'cat /proc/net/dev');
		assert.deepEqual(
			stdout.match(/^ *\w+:/gm)?.map((name) => name.trim()),
			['lo:'],
		);
	});

	const ends: Readonly<Record<string, readonly [script: string, exceeded: JailEnd['exceeded']]>> = {
		'processor time': ['while :; do :; done', 'cpu'],
		'time that passes': ['sleep 600', 'time'],
		'a large file': ['exec head -c 10000000 /dev/zero >big', 'file'],
		'a large file with nothing in it': ['exec truncate -s 1T big', 'file'],
		'endless talk': ['exec cat /dev/zero', 'output'],
	};
	for (const [what, [script, exceeded]] of Object.entries(ends))
		test(`${what} is what ends it`, async () => {
			await using dir = await temporaryDir();
			const jail = await jailIn(dir.path);
			const end = await run(jail, script, {
				limits: { cpuSeconds: 1, fileBytes: MiB, wallSeconds: what.startsWith('time') ? 1 : 20 },
			});
			assert.equal(end.exceeded, exceeded);
			await assertNothingLeft(dir.path);
		});

	test('memory beyond the limit is not given', async () => {
		await using dir = await temporaryDir();
		const end = await run(await jailIn(dir.path), 'exec dd if=/dev/zero of=/dev/null bs=2G count=1');
		assert.notEqual(end.code, 0);
		assert.match(end.stderr, /memory exhausted/);
	});

	test('what it started dies with it', async () => {
		await using dir = await temporaryDir();
		const end = await run(await jailIn(dir.path), '(trap "" HUP TERM; while :; do sleep 600; done) & echo done');
		assert.deepEqual([end.code, end.stdout], [0, 'done\n']);
		await assertNothingLeft(dir.path);
	});

	test('whoever gives up takes it all with them, also while waiting for a turn', async () => {
		await using dir = await temporaryDir();
		const jail = await jailIn(dir.path);
		const stop = new AbortController();
		const running = run(jail, 'touch begun; sleep 600', {}, stop.signal);
		await eventually('the tool at work', async () => (await begun(dir.path)) || undefined);
		const waiting = run(jail, 'touch second', {}, stop.signal);
		await eventually('a second cell', async () => ((await readdir(join(dir.path, 'jail'))).length === 2 ? true : undefined));
		stop.abort(new ImageError('aborted', 'enough'));
		await Promise.all([running, waiting].map((work) => assert.rejects(work, { message: 'enough' })));
		await assertNothingLeft(dir.path);
		assert.equal((await run(jail, 'echo next')).stdout, 'next\n', 'the turn was passed on');
	});

	test('one at a time', async () => {
		await using dir = await temporaryDir();
		const jail = await jailIn(dir.path);
		await using cell = await jail.cell();
		const script = 'test ! -e busy || exit 9; touch busy; sleep 0.1; rm busy';
		const job = { cell, tool: 'sh', args: ['-c', script], limits: LIMITS };
		const results = await Promise.all([1, 2, 3].map(() => jail.run(job, { signal })));
		assert.deepEqual(
			results.map(({ code }) => code),
			[0, 0, 0],
		);
	});

	test('the file is given by descriptor, whoever owns it, and input by pipe', async () => {
		await using dir = await temporaryDir();
		const jail = await jailIn(dir.path);
		await using cell = await jail.cell();
		await using file = await cell.keep('kept', bytes('of a file'));
		const args = ['-c', 'cat /proc/self/fd/3 -; echo x >kept'];
		const end = await jail.run({ cell, tool: 'sh', args, file, input: bytes(', of a pipe'), limits: LIMITS }, { signal });
		assert.equal(end.stdout, 'of a file, of a pipe');
		assert.notEqual(end.code, 0, 'it cannot be written');
	});

	test('an input that fails is the failure', async () => {
		await using dir = await temporaryDir();
		const jail = await jailIn(dir.path);
		const failing = (async function* () {
			yield Buffer.from('x');
			throw new ImageError('corrupt', 'lost on the way');
		})();
		await assert.rejects(run(jail, 'cat', { input: failing }), { message: 'lost on the way' });
		await assertNothingLeft(dir.path);
	});

	test('a stream that nobody reads to its end is ended, and what was left by a crash is removed', async () => {
		await using dir = await temporaryDir();
		await mkdir(join(dir.path, 'jail', 'cell-old'), { recursive: true });
		await writeFile(join(dir.path, 'jail', 'cell-old', 'converted'), 'x');
		const jail = await jailIn(dir.path);
		await (async () => {
			await using cell = await jail.cell();
			const job = { cell, tool: 'cat', args: ['/dev/zero'], limits: { cpuSeconds: 5, fileBytes: 0 } };
			for await (const piece of jail.stream(job, { signal })) if (piece.length > 0) break;
		})();
		await assertNothingLeft(dir.path);
	});

	test('when the node itself is killed, its tools die too, and the next start removes what they made', async () => {
		await using dir = await temporaryDir();
		const script = `
			import { openJail } from '#imports/jail.ts';
			import { silentLog } from '#lib/log.ts';
			const jail = await openJail({ dir: ${JSON.stringify(join(dir.path, 'jail'))}, log: silentLog });
			const job = { cell: await jail.cell(), tool: 'sleep', args: ['600'], limits: { cpuSeconds: 5, fileBytes: 0 } };
			await jail.run(job, { signal: new AbortController().signal });`;
		const args = ['--input-type=module-typescript', '--eval', script];
		const node = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
		await eventually('the tool at work', async () => ((await inside(dir.path)).length === 1 ? true : undefined));
		node.kill('SIGKILL');
		await eventually('no process in the jail', async () => ((await inside(dir.path)).length === 0 ? true : undefined));
		assert.equal((await readdir(join(dir.path, 'jail'))).length, 1);
		await jailIn(dir.path);
		await assertNothingLeft(dir.path);
	});

	test('a tool that is not here is said to be missing', async () => {
		await using dir = await temporaryDir();
		const jail = await jailIn(dir.path);
		await assert.rejects(run(jail, '', { tool: 'no-such-tool' }), { code: 'unavailable' });
	});
});

describe('pathological images', { skip: skip || lacking('qemu-img') }, () => {
	for (const { name, format, make } of pathologicalImages)
		test(name, async () => {
			await using dir = await temporaryDir();
			const jail = await jailIn(dir.path);
			const path = join(dir.path, 'image');
			await make(path);
			const code = await examineAndConvert(jail, path, format);
			assert.ok(['none', 'invalid', 'unsupported-type', 'too-large', 'timeout'].includes(code), code);
			await assertNothingLeft(dir.path);
		});
});

/** As the plugin would, had its inspection let everything pass. */
async function examineAndConvert(jail: Jail, path: string, format: DiskFormat): Promise<string> {
	const qemuImg = createQemuImg(jail);
	await using cell = await jail.cell();
	await using file = await (cell.foreign ? cell.keep('staged', (await open(path)).createReadStream()) : open(path));
	try {
		const virtualSize = await qemuImg.info({ cell, file, format }, { signal });
		if (virtualSize > GiB) return 'too-large';
		await qemuImg.convert({ cell, file, format }, { name: 'out', format: 'qcow2', virtualSize }, { signal });
		return 'none';
	} catch (error) {
		return codeOf(error) ?? String(error);
	}
}

async function begun(dir: string): Promise<boolean> {
	const cells = await readdir(join(dir, 'jail'));
	return cells.some((cell) => existsSync(join(dir, 'jail', cell, 'begun')));
}

async function* bytes(text: string): AsyncGenerator<Uint8Array> {
	yield Buffer.from(text);
}
