import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { ObjectSource } from '#domain/ports/stores.ts';
import { silentLog } from '#lib/log.ts';
import type { StoreDriver } from '#store/driver.ts';
import { chooseDatastore, type FoundDatastore } from '#store/drivers/vmware/datastores.ts';
import { vmware } from '#store/drivers/vmware.ts';
import { OptionError, type StoreOptions } from '#store/options.ts';
import { leaveNote } from '../support/half-made.ts';
import { realVcsim } from '../support/real-vcsim.ts';
import { collect, describeStoreDriver, rejectsWith, signal, sourceOf } from '../support/store-driver-suite.ts';
import { temporaryDir } from '../support/temporary-dir.ts';
import { startVsphereFront, type VsphereFront } from '../support/vsphere-front.ts';

const call = { signal };
const MiB = 1024 * 1024;
const PASSWORD = 'not-the-<password>-&-secret';

const server = await realVcsim();
const vcsim = 'missing' in server ? undefined : server;
const missing = 'missing' in server ? server.missing : false;
const skip = missing === false ? false : `vmware: ${missing}`;
const dir = await temporaryDir();
after(async () => {
	await vcsim?.[Symbol.asyncDispose]();
	await dir[Symbol.asyncDispose]();
});

function open(more: StoreOptions = {}, workDir = join(dir.path, randomUUID())): Promise<StoreDriver> {
	return vmware.open({ ...vcsim!.options, ...more }, { store: 'vsphere', log: silentLog, signal, workDir });
}

describeStoreDriver("vmware on govmomi's simulator", { manifest: vmware.manifest, open: () => open(), missing });

describe("store driver: vmware on govmomi's simulator, in particular", { skip }, () => {
	const line = (index: 0 | 1, weight: number) => `${vcsim!.datacenter}:${vcsim!.datastores[index]}:${weight}`;

	it('fills the heaviest datastore first, and knows an image of any of them', async () => {
		await using both = await open({ vmware_datastores: [line(0, 1), line(1, 50)] });
		const key = randomUUID();
		const { location } = await both.put(key, sourceOf(randomBytes(10)), call);
		const { dsName, dcPath } = Object.fromEntries(new URL(location).searchParams);
		assert.deepEqual([dsName, dcPath], [vcsim!.datastores[1], vcsim!.datacenter]);
		assert.equal(both.locate(key), undefined);
		await using turned = await open({ vmware_datastores: [line(0, 50), line(1, 1)] });
		await rejectsWith('conflict', turned.put(key, sourceOf(randomBytes(10)), call));
		assert.equal((await turned.stat(location, call)).size, 10);
	});

	it('is full, before a byte is read, for an image that fits nowhere', async () => {
		await using driver = await open();
		await rejectsWith('full', driver.put(randomUUID(), { size: 2 ** 52, read: unread }, call));
	});

	it('does not open on a datastore or a datacenter that does not exist', async () => {
		await rejectsWith('store-failed', open({ vmware_datastores: [`${vcsim!.datacenter}:nowhere`] }));
		await rejectsWith('store-failed', open({ vmware_datastores: [`nowhere:${vcsim!.datastores[0]}`] }));
	});

	it('writes locations as Glance does', async () => {
		await using driver = await open();
		const key = randomUUID();
		const { location } = await driver.put(key, sourceOf(randomBytes(1)), call);
		const query = `dsName=${vcsim!.datastores[0]}&dcPath=${vcsim!.datacenter}`;
		assert.equal(location, `vsphere://${vcsim!.options.vmware_server_host}/folder/openstack_glance/${key}?${query}`);
	});

	it('refuses locations of other servers, folders and datastores', async () => {
		await using driver = await open();
		const own = driver.locate(randomUUID())!;
		for (const location of [
			own.replace(/\/\/[^/]+/, '//other.example:443'),
			own.replace('openstack_glance/', 'machines/'),
			own.replace('openstack_glance/', 'openstack_glance/../machines/'),
			own.replace('openstack_glance/', 'openstack_glance/%2e%2e/'),
			own.replace(`dsName=${vcsim!.datastores[0]}`, `dsName=${vcsim!.datastores[1]}`),
			own.replace(/dsName=[^&]*&/, ''),
			own.replace(/dcPath=.*/, 'dcPath=DC1'),
		])
			await rejectsWith('invalid', driver.stat(location, call));
	});

	it('removes at its next opening what a crash has left of an upload', async () => {
		const path = `openstack_glance/${randomUUID()}.${randomUUID()}.part`;
		const place = `/folder/${path}?dcPath=${vcsim!.datacenter}&dsName=${vcsim!.datastores[0]}`;
		assert.equal(await plain(vcsim!.port, 'PUT', place, 'half'), 200);
		const workDir = join(dir.path, 'crashed');
		await leaveNote(workDir, { datacenter: vcsim!.datacenter, datastore: vcsim!.datastores[0], path });
		await using _ = await open({}, workDir);
		assert.equal(await plain(vcsim!.port, 'HEAD', place), 404);
		assert.deepEqual(await readdir(workDir), []);
	});

	it('says forbidden for a wrong password, and nothing else of it', async () => {
		await assert.rejects(open({ vmware_server_password: PASSWORD }), (error: unknown) => {
			assert.equal((error as { code?: string }).code, 'forbidden');
			assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(PASSWORD));
			return true;
		});
	});

	it('trusts no certificate that nobody vouches for, unless it is told to', async () => {
		await rejectsWith('store-failed', open({ vmware_insecure: 'false' }));
		await using _ = await open({ vmware_insecure: 'true' });
	});
});

describe('store driver: vmware behind a door that asks for sessions', { skip }, () => {
	const within = async (body: (driver: StoreDriver, front: VsphereFront) => Promise<unknown>, more: StoreOptions = {}) => {
		await using front = await startVsphereFront(vcsim!.port);
		const own = { vmware_server_host: front.host, vmware_insecure: 'false', vmware_ca_file: front.certificate };
		await using driver = await open({ ...own, ...more });
		await body(driver, front);
	};

	it('takes a certificate by the authorities of a file, which insecure does not overrule', async () => {
		await within((driver) => driver.check(call), { vmware_insecure: 'true' });
		await using other = await startVsphereFront(vcsim!.port);
		await using front = await startVsphereFront(vcsim!.port);
		const own = { vmware_server_host: front.host, vmware_insecure: 'true', vmware_ca_file: other.certificate };
		await rejectsWith('store-failed', open(own));
	});

	it('logs in again when its session has ended, and reads a source only once', () =>
		within(async (driver, front) => {
			const bytes = randomBytes(3 * MiB);
			let read = 0;
			const source: ObjectSource = {
				async *read() {
					read += 1;
					yield* sourceOf(bytes).read();
				},
			};
			front.endSessions();
			const { location } = await driver.put(randomUUID(), source, call);
			front.endSessions();
			assert.deepEqual(await collect(driver, location, { start: 1, end: 2 * MiB }), bytes.subarray(1, 2 * MiB));
			front.endSessions();
			await driver.remove(location, call);
			front.meddle = (what) => {
				if (what.startsWith('PUT')) {
					front.endSessions();
					front.meddle = () => undefined;
				}
				return undefined;
			};
			await driver.put(randomUUID(), source, call);
			assert.equal(read, 2);
			assert.equal(front.sessions.length, 5);
		}));

	it('gives up after as many logins as it may repeat', () =>
		within(
			async (driver, front) => {
				front.meddle = (what) => (what.startsWith('HEAD') ? { status: 401 } : undefined);
				await rejectsWith('forbidden', driver.stat(driver.locate(randomUUID())!, call));
				assert.equal(front.seen.filter((what) => what === 'Login').length, 3);
			},
			{ vmware_api_retry_count: '2' },
		));

	it('does not touch a source that the server refuses by its head', () =>
		within(async (driver, front) => {
			for (const [status, code] of [
				[507, 'full'],
				[503, 'unavailable'],
				[403, 'forbidden'],
				[500, 'store-failed'],
			] as const) {
				front.meddle = (what) => (what.startsWith('PUT') ? { status } : undefined);
				await rejectsWith(code, driver.put(randomUUID(), { size: 10, read: unread }, call));
			}
		}));

	it('leaves nothing of an upload that is cut', () =>
		within(async (driver, front) => {
			front.meddle = (what) => (what.startsWith('PUT') ? { cutAfterBytes: MiB } : undefined);
			for (const source of [sourceOf(randomBytes(8 * MiB)), { read: sourceOf(randomBytes(8 * MiB)).read }])
				await rejectsWith('unavailable', driver.put(randomUUID(), source, call));
			const cut = front.seen.filter((what) => what.startsWith('PUT')).map((what) => what.slice(4));
			assert.equal(cut.length, 2);
			for (const path of cut) assert.equal(await plain(vcsim!.port, 'HEAD', path), 404);
		}));

	it('removes what is half written later, when the server does not let it at once', () =>
		within(async (driver, front) => {
			front.meddle = (what) => {
				if (what.startsWith('PUT')) return { cutAfterBytes: MiB };
				return what === 'DeleteDatastoreFile_Task' ? { status: 503 } : undefined;
			};
			await rejectsWith('unavailable', driver.put(randomUUID(), sourceOf(randomBytes(4 * MiB)), call));
			const path = front.seen.find((what) => what.startsWith('PUT'))!.slice(4);
			assert.equal(await plain(vcsim!.port, 'HEAD', path), 200);
			front.meddle = () => undefined;
			await driver.check(call);
			assert.equal(await plain(vcsim!.port, 'HEAD', path), 404);
		}));

	it('believes no answer that is too long, no XML, or declares a document type', () =>
		within(async (driver, front) => {
			const declared = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Envelope><Body>&e;</Body></Envelope>';
			for (const body of ['x'.repeat(MiB + 1), 'no xml', declared, '<Envelope/>', '<a><b></a></b>', ''])
				for (const status of [200, 500]) {
					front.meddle = (what) => (what === 'FindByInventoryPath' ? { status, body } : undefined);
					await rejectsWith('store-failed', driver.check(call));
				}
		}));

	it('tells no password and no session in any error', () =>
		within(async (driver, front) => {
			const secrets = [vcsim!.options.vmware_server_password as string, ...front.sessions.map((each) => each.split('=')[1]!)];
			assert.equal(secrets.length, 2);
			// the simulator's password is its user's name too, and the store's folder bears it: only the session can be looked for
			const [, session] = secrets;
			for (const status of [400, 401, 403, 404, 409, 418, 500, 503, 507]) {
				front.meddle = () => ({ status, body: `password=${PASSWORD} ${session}` });
				for (const work of [
					driver.put(randomUUID(), sourceOf(randomBytes(5)), call),
					driver.stat(driver.locate(randomUUID())!, call),
					driver.remove(driver.locate(randomUUID())!, call),
					collect(driver, driver.locate(randomUUID())!, 'whole'),
					driver.check(call),
				])
					await assert.rejects(work, (error: unknown) => {
						const shown = inspect(error, { depth: 9, showHidden: true });
						return !shown.includes(session!) && !shown.includes(PASSWORD);
					});
			}
		}));

	it('is unavailable when the server is gone', async () => {
		await using stack = new AsyncDisposableStack();
		const front = await startVsphereFront(vcsim!.port);
		stack.defer(() => front[Symbol.asyncDispose]());
		const own = { vmware_server_host: front.host, vmware_insecure: 'true' };
		const driver = stack.use(await open(own));
		await stack.move().disposeAsync();
		await rejectsWith('unavailable', driver.check(call));
		await rejectsWith('unavailable', open(own));
	});
});

describe('vmware options', () => {
	const good = {
		vmware_server_host: 'vcenter.example',
		vmware_server_username: 'glance',
		vmware_server_password: PASSWORD,
		vmware_datastores: ['dc/one:ds 1:100'],
	};
	it('are refused with their names, and never with the password', () => {
		vmware.check(good);
		vmware.check({ ...good, vmware_server_host: '[::1]:8443' });
		for (const [name, value] of [
			['vmware_server_host', ''],
			['vmware_server_host', 'https://vcenter'],
			['vmware_server_host', 'host:99999'],
			['vmware_server_password', ''],
			['vmware_datastores', []],
			['vmware_datastores', ['dc']],
			['vmware_datastores', ['dc:ds:heavy']],
			['vmware_datastores', [':ds']],
			['vmware_store_image_dir', '/a/../b'],
			['vmware_store_image_dir', '[ds] x'],
			['vmware_api_retry_count', '0'],
			['vmware_task_poll_interval', '0'],
			['vmware_insecure', 'perhaps'],
		] as const)
			assert.throws(
				() => vmware.check({ ...good, [name]: value }),
				(error: unknown) => error instanceof OptionError && error.message.includes(name) && !error.message.includes(PASSWORD),
				name,
			);
	});
	it('of equal weight send an image where most is free', () => {
		const place = (datastore: string, weight: number, freeBytes: number, accessible = true): FoundDatastore => ({
			...{ datacenter: 'dc', datastore, weight, freeBytes, accessible },
			datacenterRef: { type: 'Datacenter', id: 'datacenter-1' },
		});
		const found = [place('small', 9, 5), place('a', 1, 100), place('b', 1, 200), place('gone', 99, 900, false)];
		const chosen = (bytes: number) => chooseDatastore(found, bytes).datastore;
		assert.deepEqual([chosen(0), chosen(5), chosen(6), chosen(200)], ['small', 'small', 'b', 'b']);
		assert.throws(() => chosen(201), { code: 'full' });
		assert.throws(() => chooseDatastore([place('gone', 1, 9, false)], 1), { code: 'unavailable' });
	});
});

// biome-ignore lint/correctness/useYield: it is never to be read
async function* unread(): AsyncGenerator<Uint8Array> {
	assert.fail('the source was read');
}

/** The status of a plain request to the simulator itself. */
function plain(port: number, method: string, path: string, body?: string): Promise<number> {
	return new Promise((resolve, reject) => {
		request({ host: '127.0.0.1', port, method, path, rejectUnauthorized: false }, (response) => {
			response.resume();
			resolve(response.statusCode ?? 0);
		})
			.on('error', reject)
			.end(body);
	});
}
