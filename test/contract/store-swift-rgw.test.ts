/** The Swift driver on Ceph's radosgw, which speaks Swift's language with an accent of its own. */
import { randomUUID } from 'node:crypto';
import { after } from 'node:test';
import { swift } from '#store/drivers/swift.ts';
import { CEPH, startServer } from '../support/real-servers.ts';
import { openSwiftDriver, SEGMENT } from '../support/real-swift.ts';
import { describeStoreDriver } from '../support/store-driver-suite.ts';

const server = await startServer(CEPH);
after(async () => {
	if (server.missing === false) await server[Symbol.asyncDispose]();
});

describeStoreDriver('swift of radosgw', {
	manifest: swift.manifest,
	open(t) {
		const { RGW_SWIFT_AUTH_V1_URL = '', RGW_SWIFT_USER = '', RGW_SWIFT_KEY = '' } = server.missing === false ? server.env : {};
		return openSwiftDriver(t, {
			swift_store_auth_version: '1',
			swift_store_auth_address: RGW_SWIFT_AUTH_V1_URL,
			swift_store_user: RGW_SWIFT_USER,
			swift_store_key: RGW_SWIFT_KEY,
			swift_store_container: `c-${randomUUID()}`,
			swift_store_create_container_on_put: 'true',
			swift_store_large_object_size: '2',
			swift_store_large_object_chunk_size: '1',
		});
	},
	missing: server.missing,
	edgeBytes: SEGMENT,
});
