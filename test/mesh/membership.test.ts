/** Who may start, who may join: every refusal is one clear line and a documented exit code. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, statfs, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFleet } from '../support/fleet.ts';
import { environment, type NodeOptions, runSundog } from '../support/node-process.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

/** docs/operating.md, "Exit codes" */
const EXIT = { failure: 1, usage: 2, cannotStart: 3 } as const;

/** A start that must end by itself, with this code and one line for people that matches; log lines (JSON) may surround it. */
async function assertRefused(options: NodeOptions, code: keyof typeof EXIT, pattern: RegExp): Promise<void> {
	const run = await runSundog(['serve'], environment(options));
	assert.equal(run.stdout, '', 'a refused node prints no ready line');
	const lines = run.stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('{'));
	assert.equal(lines.length, 1, run.stderr);
	assert.match(lines[0] as string, pattern);
	assert.equal(run.code, EXIT[code], run.stderr);
}

/** `f_type` of sysfs, statfs(2) */
const SYSFS_MAGIC = 0x62656572;

test('a token that was used is refused to another node', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const token = await centre.node.invite('paris');
	await fleet.join(centre, 'paris', { join: token });
	const thief = { dataDir: join(fleet.dir, 'thief'), site: 'paris', join: token, bootstrap: [centre.node.peer] };
	await assertRefused(thief, 'failure', /token.*used|used.*token/);
});

test('the same node may present its token again: a unit file keeps it', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const token = await centre.node.invite('paris');
	const paris = await fleet.join(centre, 'paris', { join: token });
	await paris.node.stop();
	await fleet.revive(paris, { join: token });
	assert.equal(paris.node.ready.site, 'paris');
});

test('a token for one site is refused to a node of another', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const token = await centre.node.invite('paris');
	const oslo = { dataDir: join(fleet.dir, 'oslo'), site: 'oslo', join: token, bootstrap: [centre.node.peer] };
	await assertRefused(oslo, 'failure', /paris.*oslo|oslo.*paris/);
});

test('a token of another fleet, or nonsense, is refused', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const other = await fleet.centre();
	for (const [index, token] of [await other.node.invite('paris'), 'nonsense'].entries()) {
		const paris = { dataDir: join(fleet.dir, `paris-${index}`), site: 'paris', join: token, bootstrap: [centre.node.peer] };
		await assertRefused(paris, 'failure', /token/);
	}
});

test('a second process on one data directory is refused, and the first goes on', async () => {
	await using fleet = await createFleet();
	const { node, client } = await fleet.centre();
	await assertRefused({ dataDir: node.dataDir }, 'cannotStart', /in use by another process/);
	assert.deepEqual(await client.list(), []);
});

test('a port in use is one clear line that names it', async () => {
	await using dir = await temporaryDir();
	const squatter = createServer().listen(0, '127.0.0.1');
	await once(squatter, 'listening');
	const { port } = squatter.address() as AddressInfo;
	const inUse = new RegExp(`127\\.0\\.0\\.1.*${port}.*in use`);
	try {
		await assertRefused({ dataDir: join(dir.path, 'rest'), listen: `127.0.0.1:${port}` }, 'cannotStart', inUse);
		await assertRefused({ dataDir: join(dir.path, 'peer'), peerListen: `/ip4/127.0.0.1/tcp/${port}` }, 'cannotStart', inUse);
	} finally {
		squatter.close();
	}
});

test('a data directory that cannot be written is one clear line', async () => {
	await using dir = await temporaryDir();
	const file = join(dir.path, 'file');
	await writeFile(file, 'not a directory');
	await assertRefused({ dataDir: join(file, 'below') }, 'cannotStart', /file.*not a folder/);
	// Root may write where others may not; the kernel's own file systems refuse even root, where they are mounted.
	if ((await statfs('/sys')).type === SYSFS_MAGIC)
		await assertRefused({ dataDir: '/sys/sundog' }, 'cannotStart', /\/sys\/sundog/);
	if (process.getuid?.() !== 0) {
		const readOnly = join(dir.path, 'read-only');
		await mkdir(readOnly, { mode: 0o500 });
		await assertRefused({ dataDir: readOnly }, 'cannotStart', /read-only/);
	}
});

test('no authentication is refused unless every listener is loopback', async () => {
	await using dir = await temporaryDir();
	await assertRefused({ dataDir: dir.path, listen: '0.0.0.0:0' }, 'usage', /auth.*none|none.*auth/i);
});

test('an unknown setting is refused by its place', async () => {
	await using dir = await temporaryDir();
	const config = join(dir.path, 'sundog.yaml');
	await writeFile(config, 'site: paris\nlissten: 127.0.0.1:0\n');
	await assertRefused({ dataDir: join(dir.path, 'data'), env: { SUNDOG_CONFIG: config } }, 'usage', /:2:1.*lissten/);
});
