/** The Swift driver on a real Swift with a real Keystone: for one account, and in the accounts of images' owners. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { swift } from '#store/drivers/swift.ts';
import type { StoreOptions } from '#store/options.ts';
import { eventually } from '../support/eventually.ts';
import { realKeystone } from '../support/real-keystone.ts';
import { openSwiftDriver, SEGMENT, startSwift, viewOf } from '../support/real-swift.ts';
import { collect, describeStoreDriver, digestOf, rejectsWith, signal, sourceOf } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

await using stack = new AsyncDisposableStack();
const keystone = await realKeystone();
if (typeof keystone !== 'string') stack.use(keystone);
const server = typeof keystone === 'string' ? { missing: keystone } : await startSwift(keystone);
if (server.missing === false) stack.use(server);
const servers = stack.move();
after(() => servers.disposeAsync());

const call = { signal };
const skip = server.missing === false ? false : `Swift with Keystone: ${server.missing}`;
const real = server.missing === false ? server : (undefined as never);
const cloud = typeof keystone === 'string' ? (undefined as never) : keystone;

const SMALL = { swift_store_large_object_size: '2', swift_store_large_object_chunk_size: '1' };

let people: ReturnType<typeof makePeople> | undefined;

/** A user in a project of its own, and one that may write into anybody's account. */
async function makePeople() {
	await cloud.admin('POST', '/roles', { role: { name: 'ResellerAdmin' } });
	return { plain: await cloud.user('member'), reseller: await cloud.user('member', 'ResellerAdmin') };
}

function everybody() {
	people ??= makePeople();
	return people;
}

async function referenceOptions(t: TestContext): Promise<StoreOptions> {
	const { plain } = await everybody();
	const dir = await temporaryDir();
	t.after(() => dir[Symbol.asyncDispose]());
	const file = join(dir.path, 'swift.conf');
	const section = `user = ${plain.name}:${plain.name}\nkey = "${plain.password}"\nauth_address = ${cloud.url}\n`;
	await writeFile(file, `[ref1]\nuser = a:b\nkey = c\nauth_address = https://127.0.0.1:1/v3\n\n# ours\n[ours]\n${section}`);
	return {
		...SMALL,
		swift_store_config_file: file,
		default_swift_reference: 'ours',
		swift_store_container: `c-${randomUUID()}`,
		swift_store_create_container_on_put: 'true',
	};
}

async function tenantOptions(more: StoreOptions = {}): Promise<StoreOptions> {
	const { reseller } = await everybody();
	return {
		...SMALL,
		swift_store_auth_address: cloud.url,
		swift_store_user: `${reseller.name}:${reseller.name}`,
		swift_store_key: reseller.password,
		swift_store_create_container_on_put: 'true',
		swift_store_multi_tenant: 'true',
		...more,
	};
}

describeStoreDriver('swift by Keystone, by a file of references', {
	manifest: swift.manifest,
	open: async (t) => openSwiftDriver(t, await referenceOptions(t)),
	missing: server.missing,
	edgeBytes: SEGMENT,
});

describeStoreDriver("swift by Keystone, in owners' accounts", {
	manifest: swift.manifest,
	open: async (t) => openSwiftDriver(t, await tenantOptions()),
	missing: server.missing,
	edgeBytes: SEGMENT,
});

describe("swift driver in owners' accounts", { skip }, () => {
	const test = (claim: string, body: (t: TestContext) => Promise<void>) => it(claim, { skip }, body);
	const accountOf = (project: string, token: () => Promise<string>) =>
		viewOf(`http://127.0.0.1:${real.port}/v1/KEY_${project}`, token);

	test("writes into the owner's account, and cleans up there", async (t) => {
		const { plain } = await everybody();
		await using driver = await openSwiftDriver(t, await tenantOptions());
		const view = await accountOf(plain.project, () => plain.token());
		const bytes = randomBytes(2 * SEGMENT + 1);
		for (const [source, caller] of [
			[{ ...sourceOf(bytes), owner: plain.project }, undefined],
			[sourceOf(bytes), { project: plain.project, user: null }],
		] as const) {
			const key = randomUUID();
			const { location } = await driver.put(key, source, { ...call, ...(caller && { caller }) });
			assert.equal(location, `swift+${view.url}/glance_${key}/${key}`);
			assert.equal(driver.locate(key), undefined);
			assert.equal((await view.names(`glance_${key}`))?.length, 4);
			assert.equal(digestOf(await collect(driver, location, 'whole')), digestOf(bytes));
			await driver.remove(location, call);
			assert.equal(await view.names(`glance_${key}`), undefined);
		}
		const key = randomUUID();
		await assert.rejects(driver.put(key, { ...breaking(2 * SEGMENT), owner: plain.project }, call), /cable cut/);
		assert.equal(await view.names(`glance_${key}`), undefined);
		await rejectsWith('invalid', driver.put(key, { ...sourceOf(bytes), owner: '../x' }, call));
	});

	test('lets those read whom the image is shared with, and nobody else', async (t) => {
		const { plain } = await everybody();
		const [member, stranger] = [await cloud.user('member'), await cloud.user('member')];
		await using driver = await openSwiftDriver(t, await tenantOptions({ swift_store_admin_tenants: stranger.project }));
		const key = randomUUID();
		const { location } = await driver.put(key, { ...sourceOf(randomBytes(2 * SEGMENT)), owner: plain.project }, call);
		const status = async (who: typeof member) => {
			const view = await accountOf(plain.project, () => who.token());
			const response = await view.request('GET', `glance_${key}/${key}`, { headers: { range: 'bytes=0-9' } });
			await response.arrayBuffer();
			return response.status;
		};
		const readers = (...projects: readonly string[]) => driver.share?.(location, { public: false, projects }, call);
		assert.equal(await status(member), 403);
		await readers(member.project, 'x,.r:*', '.rlistings');
		assert.equal(await status(member), 206);
		assert.equal(await status(stranger), 403);
		assert.equal((await fetch(location.replace('swift+', ''))).status, 401);
		await driver.share?.(location, { public: true, projects: [] }, call);
		assert.equal(await status(stranger), 206);
		assert.equal((await fetch(location.replace('swift+', ''))).status, 401);
		await readers();
		assert.equal(await status(member), 403);
		const view = await accountOf(plain.project, () => stranger.token());
		assert.equal((await view.request('PUT', `glance_${key}/note`, { body: 'by an admin tenant' })).status, 201);
	});

	test('logs in again when Keystone has revoked its token', async (t) => {
		const { reseller } = await everybody();
		await using driver = await openSwiftDriver(t, await tenantOptions());
		const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(10)), call);
		for (const enabled of [false, true]) await cloud.admin('PATCH', `/users/${reseller.id}`, { user: { enabled } });
		// what was revoked, and what is new, Keystone tells apart by whole seconds
		await eventually('a new token that is good', async () => {
			const token = await reseller.token();
			return (await cloud.ask('GET', '/auth/projects', token)).status === 200 ? true : undefined;
		});
		await real.forgetTokens();
		assert.equal((await driver.stat(location, call)).size, 10);
	});

	test('logs in by an application credential', async (t) => {
		const { plain } = await everybody();
		const credential = await plain.applicationCredential();
		await using driver = await openSwiftDriver(t, {
			swift_store_auth_address: cloud.url,
			swift_store_application_credential_id: credential.id,
			swift_store_application_credential_secret: credential.secret,
			swift_store_create_container_on_put: 'true',
			swift_store_region: 'RegionOne',
		});
		const { location } = await driver.put(randomUUID(), sourceOf(randomBytes(10)), call);
		assert.equal((await driver.stat(location, call)).size, 10);
		await driver.remove(location, call);
	});
});

function breaking(after: number): ObjectSource {
	return {
		async *read() {
			for (let sent = 0; sent < after; sent += 50_000) yield randomBytes(Math.min(50_000, after - sent));
			throw new Error('cable cut');
		},
	};
}
