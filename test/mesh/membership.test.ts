/** Who may start, who may join: every refusal is one clear line and a documented exit code (docs/operating.md). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFleet } from '../support/fleet.ts';
import { environment, type NodeOptions, type Run, runSundog } from '../support/node-process.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

async function refusedStart(options: NodeOptions): Promise<Run> {
	const run = await runSundog(['serve'], environment(options));
	assert.equal(run.stdout, '', 'a refused node prints no ready line');
	assert.notEqual(run.code, 0);
	assert.notEqual(run.code, null, `ended by a signal: ${run.stderr}`);
	return run;
}

/** One line for people, nothing of a stack. */
function assertOneLine(run: Run, pattern: RegExp): void {
	const lines = run.stderr.split('\n').filter((line) => line.trim() !== '');
	assert.equal(lines.length, 1, run.stderr);
	assert.match(lines[0] as string, pattern);
}

test('a token that was used is refused to another node', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const token = await centre.node.invite('paris');
	await fleet.join(centre, 'paris', { join: token });
	const dataDir = join(fleet.dir, 'thief');
	const run = await refusedStart({ dataDir, site: 'paris', join: token, bootstrap: [centre.node.peer] });
	assertOneLine(run, /token/);
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
	const run = await refusedStart({ dataDir: join(fleet.dir, 'oslo'), site: 'oslo', join: token, bootstrap: [centre.node.peer] });
	assertOneLine(run, /paris.*oslo|oslo.*paris/);
});

test('a token of another fleet, or nonsense, is refused', async () => {
	await using fleet = await createFleet();
	const centre = await fleet.centre();
	const other = await fleet.centre();
	const foreign = await other.node.invite('paris');
	for (const [index, token] of [foreign, 'nonsense'].entries()) {
		const run = await refusedStart({
			dataDir: join(fleet.dir, `t${index}`),
			site: 'paris',
			join: token,
			bootstrap: [centre.node.peer],
		});
		assertOneLine(run, /token/);
	}
});

test('a second process on one data directory is refused, and the first goes on', async () => {
	await using fleet = await createFleet();
	const { node, client } = await fleet.centre();
	const run = await refusedStart({ dataDir: node.dataDir });
	assertOneLine(run, /in use|another|lock/);
	assert.deepEqual(await client.list(), []);
});

test('a REST port in use is one clear line', async () => {
	await using dir = await temporaryDir();
	const squatter = createServer().listen(0, '127.0.0.1');
	await once(squatter, 'listening');
	const { port } = squatter.address() as AddressInfo;
	try {
		assertOneLine(await refusedStart({ dataDir: dir.path, listen: `127.0.0.1:${port}` }), new RegExp(`${port}.*in use`));
		assertOneLine(await refusedStart({ dataDir: dir.path, peerListen: `/ip4/127.0.0.1/tcp/${port}` }), new RegExp(`${port}`));
	} finally {
		squatter.close();
	}
});

test('a data directory that cannot be written is one clear line', async () => {
	await using dir = await temporaryDir();
	const file = join(dir.path, 'file');
	await writeFile(file, 'not a directory');
	assertOneLine(await refusedStart({ dataDir: join(file, 'below') }), /data directory/);
	// Root may write where others may not; /proc refuses even root.
	assertOneLine(await refusedStart({ dataDir: '/proc/sundog' }), /data directory/);
	if (process.getuid?.() !== 0) {
		const readOnly = join(dir.path, 'read-only');
		await mkdir(readOnly, { mode: 0o500 });
		assertOneLine(await refusedStart({ dataDir: readOnly }), /data directory/);
	}
});

test('no authentication is refused unless every listener is loopback', async () => {
	await using dir = await temporaryDir();
	assertOneLine(await refusedStart({ dataDir: dir.path, listen: '0.0.0.0:0' }), /auth.*none|none.*auth/i);
});

test('an unknown setting is refused by name', async () => {
	await using dir = await temporaryDir();
	const config = join(dir.path, 'sundog.yaml');
	await writeFile(config, 'site: paris\nlissten: 127.0.0.1:0\n');
	assertOneLine(await refusedStart({ dataDir: join(dir.path, 'data'), env: { SUNDOG_CONFIG: config } }), /lissten.*2|2.*lissten/);
});
