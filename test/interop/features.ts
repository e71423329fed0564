/**
 * Glance's features by number, and what shows of each that this server has it, or why it has not. Differential scenarios
 * and sessions of the clients name their features themselves; here stand those that other tests show.
 */
export interface Feature {
	readonly number: number;
	readonly what: string;
	/** tests that show it beside those that name it: file, or `file › first words of a test's name` */
	readonly shownBy?: readonly string[];
	/** what of it is different, for good */
	readonly differs?: string;
	/** it comes with a later release, or not at all */
	readonly notYet?: string;
}

const LATER = 'with a later release';
const GONE = 'gone from the newest Glance too';

function feature(number: number, what: string, more: Omit<Feature, 'number' | 'what'> = {}): Feature {
	return { number, what, ...more };
}

const tempest = (pattern: string) => `test/interop/tempest.test.ts › Tempest › ${pattern}`;

export const FEATURES: readonly Feature[] = [
	// A: discovery and errors
	feature(1, 'GET / lists the versions, as a choice'),
	feature(2, 'GET /versions lists them as an answer'),
	feature(3, 'an unknown version gets the choice'),
	feature(4, 'a version chosen by Accept'),
	feature(5, 'minor versions by what the node offers', { shownBy: ['test/api/door.test.ts'] }),
	feature(6, 'a public endpoint in links', { shownBy: ['test/api/rules.test.ts'] }),
	feature(7, 'other methods on known paths: 405 with Allow'),
	feature(8, 'errors as text, HTML or JSON'),
	feature(9, 'request ids, brought or made'),
	feature(10, 'request ids of bounded length'),
	feature(11, 'no bodies where none belongs'),
	feature(12, 'characters beyond U+FFFF refused', {
		differs: 'only where the operator wants it (`api.refuse_astral`): the catalogue has no such limit',
	}),
	feature(13, 'JSON schemas of everything', {
		shownBy: [
			tempest('api.image.v2.test_images_metadefs_schema'),
			tempest('api.image.v2.test_images.ListUserImagesTest.test_get_image'),
		],
	}),
	feature(14, "an operator's typed properties from schema-image.json", { shownBy: ['test/unit/wire-custom-properties.test.ts'] }),
	feature(15, 'properties that every image must have', { shownBy: ['test/unit/wire-custom-properties.test.ts'] }),

	// B: images
	feature(16, 'an image is made of little or nothing', {
		shownBy: [tempest('api.image.v2.test_images.BasicOperationsImagesTest')],
	}),
	feature(17, 'its id may be chosen by the client'),
	feature(18, 'custom properties beside the others'),
	feature(19, 'their values are texts'),
	feature(20, 'what only the server writes'),
	feature(21, 'the reserved names os_glance…'),
	feature(22, 'lists in pages'),
	feature(23, 'sorted by one of eight keys', { shownBy: [tempest('api.image.v2.test_images.ListUserImagesTest')] }),
	feature(24, 'sorted by several keys'),
	feature(25, 'the short form of sorting'),
	feature(26, 'filtered by equality'),
	feature(27, 'filtered by lists of values'),
	feature(28, 'filtered by time'),
	feature(29, 'filtered by least and most'),
	feature(30, 'filtered by tags'),
	feature(31, 'filtered by custom properties'),
	feature(32, 'filtered by visibility'),
	feature(33, "filtered by a member's answer", { shownBy: [tempest('api.image.v2.test_images.ListSharedImagesTest')] }),
	feature(34, 'hidden images'),
	feature(35, 'filtered by protection'),
	feature(36, 'changed by JSON patch, 2.1'),
	feature(37, 'changed by JSON patch, 2.0'),
	feature(38, 'other types of body: 415 with Accept-Patch'),
	feature(39, 'a change is made whole or not at all', { shownBy: ['test/properties/image-patch.test.ts'] }),
	feature(40, 'an administrator gives an image away', {
		shownBy: [tempest('api.image.v2.admin.test_images.BasicOperationsImagesAdminTest')],
	}),
	feature(41, 'formats are fixed once there are bytes'),
	feature(42, 'protected images stay'),
	feature(43, 'deleted images are gone'),
	feature(44, 'deactivated images are kept from readers'),
	feature(45, 'tags one by one'),
	feature(46, 'fields without value are shown'),
	feature(47, 'community images'),
	feature(48, 'shared is the default'),
	feature(49, 'private images have no members'),
	feature(50, 'least disk and memory'),
	feature(51, 'the tasks of an image', { shownBy: ['test/api/tasks.test.ts'] }),
	feature(52, "other projects' images do not exist", {
		shownBy: ['test/api/other-projects.test.ts', 'test/api/authorisation-matrix.test.ts'],
	}),

	// C: data, import, locations
	feature(53, 'bytes are uploaded as octets'),
	feature(54, 'uploads of unknown size'),
	feature(55, 'bytes are given once', { shownBy: ['test/contract/image-controller.test.ts'] }),
	feature(56, 'a failed upload can be tried again', { shownBy: ['test/api/data.test.ts', 'test/contract/quota.test.ts'] }),
	feature(57, 'an image that is deleted while it is uploaded', { shownBy: ['test/contract/image-controller.test.ts'] }),
	feature(58, 'a size declared in a header of its own', { shownBy: ['test/api/data.test.ts'] }),
	feature(59, 'sizes are checked', { shownBy: ['test/api/data.test.ts'] }),
	feature(60, 'downloads carry Content-MD5'),
	feature(61, 'ranges', { shownBy: ['test/api/hostile-ranges.test.ts'] }),
	feature(62, 'Content-Range as a request'),
	feature(63, 'an image without bytes is no content'),
	feature(64, 'a store that a download prefers', {
		shownBy: ['test/api/stores.test.ts › stores › that a download prefers must be there'],
	}),
	feature(65, 'MD5'),
	feature(66, 'the longer hash'),
	feature(67, 'its algorithm is chosen by the operator', { shownBy: ['test/contract/image-controller.test.ts'] }),
	feature(68, 'the size of the disk inside', {
		shownBy: ['test/api/arrivals.test.ts › bytes on their way in › of ', 'test/interop/inspection.test.ts › virtual sizes'],
	}),
	feature(69, 'bytes must be of the declared format', {
		shownBy: ['test/api/arrivals.test.ts › bytes on their way in › are refused', 'test/unit/inspection-judge.test.ts'],
	}),
	feature(70, 'unsafe disk images are refused', {
		shownBy: [
			'test/interop/inspection.test.ts › what qemu-img makes and must not come in',
			'test/interop/inspection.test.ts › tampered qcow2',
			'test/fault/import-jail.test.ts',
		],
	}),
	feature(71, 'signatures', {
		shownBy: ['test/api/arrivals.test.ts › bytes on their way in › that are signed', 'test/contract/signatures.test.ts'],
	}),
	feature(72, 'staging', { shownBy: ['test/contract/staging.test.ts', 'test/api/imports.test.ts'] }),
	feature(73, 'import of staged bytes', {
		shownBy: ['test/api/imports.test.ts', tempest('api.image.v2.test_images.ImportImagesTest.test_image_glance_direct_import')],
	}),
	feature(74, 'import from the web', {
		shownBy: [
			'test/api/import-methods.test.ts › web-download',
			tempest('api.image.v2.test_images.ImportImagesTest.test_image_web_download_import'),
		],
	}),
	feature(75, 'copies between stores', {
		shownBy: ['test/api/stores.test.ts › stores › get copies', tempest('api.image.v2.admin.test_images.ImportCopyImagesTest')],
	}),
	feature(76, 'import from another region', {
		shownBy: [
			'test/api/import-methods.test.ts › glance-download',
			tempest('api.image.v2.test_images.ImportImagesTest.test_image_glance_download_import'),
		],
	}),
	feature(77, 'import methods in a header', {
		shownBy: [tempest('api.image.v2.test_images.ImportImagesTest.test_image_glance_direct_import')],
	}),
	feature(78, 'import methods by GET'),
	feature(79, 'import to several stores', {
		shownBy: [
			'test/api/stores.test.ts › stores › take an import',
			tempest('api.image.v2.test_images.MultiStoresImportImagesTest.test_glance_direct_import_image_to_specific_stores'),
		],
	}),
	feature(80, 'import to all stores', {
		shownBy: [
			'test/api/stores.test.ts › stores › take an import',
			tempest('api.image.v2.test_images.MultiStoresImportImagesTest.test_glance_direct_import_image_to_all_stores'),
		],
	}),
	feature(81, 'progress of an import', { shownBy: ['test/api/stores.test.ts › stores › of which one fails an import'] }),
	feature(82, 'one import at a time', { shownBy: ['test/api/imports.test.ts'] }),
	feature(83, 'imports go to the worker that staged', {
		shownBy: [tempest('api.image.v2.test_images.ImportImagesTest.test_remote_import')],
		differs: 'any node of a site imports what another one staged',
	}),
	feature(84, 'several stores at a time', {
		shownBy: ['test/api/import-methods.test.ts › an import that a process did not end › is ended by the next one'],
	}),
	feature(85, 'sources on the web are filtered', {
		shownBy: ['test/fault/web-source.test.ts', 'test/api/tasks.test.ts'],
	}),
	feature(86, 'redirects and odd addresses are filtered', {
		shownBy: ['test/fault/web-source.test.ts'],
	}),
	feature(87, 'no loopback, and the checked address is the one used', {
		shownBy: ['test/fault/web-source.test.ts'],
	}),
	feature(88, 'metadata given at import', {
		shownBy: ['test/api/import-methods.test.ts › plugins', 'test/unit/plugins-register.test.ts'],
	}),
	feature(89, 'conversion at import', { shownBy: ['test/unit/plugins-conversion.test.ts', 'test/fault/import-jail.test.ts'] }),
	feature(90, 'decompression at import', {
		shownBy: ['test/unit/plugins-decompression.test.ts', 'test/fault/decompression.test.ts'],
	}),
	feature(91, 'the container format `compressed`'),
	feature(92, 'direct_url', { shownBy: ['test/contract/locations.test.ts'] }),
	feature(93, 'locations by patch', {
		shownBy: ['test/api/locations.test.ts › locations by a patch', tempest('api.image.v2.test_images.ImageLocationsTest')],
	}),
	feature(94, 'what is known of the bytes of a location', {
		shownBy: [
			'test/api/locations.test.ts › locations by a patch › make',
			tempest('api.image.v2.test_images.ImageLocationsTest.test_set_location_with_hash'),
		],
	}),
	feature(95, 'a location is added', {
		shownBy: [
			'test/api/locations.test.ts › a location that a service adds',
			'test/api/locations.test.ts › a place that nobody may name',
			'test/fault/http-store.test.ts',
		],
	}),
	feature(96, 'locations are shown', {
		shownBy: ['test/api/locations.test.ts › a location that a service adds › makes', 'test/api/authorisation-matrix.test.ts'],
	}),
	feature(97, 'hashes of added locations', {
		shownBy: ['test/api/locations.test.ts › a location that a service adds › with digests'],
	}),
	feature(98, 'bytes leave one store', {
		shownBy: ['test/api/stores.test.ts › stores › lose an image', 'test/api/authorisation-matrix.test.ts'],
	}),
	feature(99, 'stores are listed', {
		shownBy: ['test/api/stores.test.ts › stores › are listed', 'test/api/stores.test.ts › stores › are those of Glance alone'],
	}),
	feature(100, 'stores are described', { shownBy: ['test/api/stores.test.ts › stores › are listed'] }),
	feature(101, 'usage and limits of a project', { shownBy: ['test/api/usage.test.ts'] }),
	feature(102, 'tasks', { shownBy: ['test/api/tasks.test.ts'] }),
	feature(103, 'the cache', { shownBy: [tempest('api.image.v2.admin.test_image_caching')] }),
	feature(104, 'the cache is cleaned and pruned', { shownBy: ['test/api/cache.test.ts'] }),
	feature(105, 'which nodes hold an image', { shownBy: ['test/api/cache.test.ts'] }),
	feature(106, 'members', { shownBy: [tempest('api.image.v2.test_images_member')] }),
	feature(107, 'metadata definitions', { shownBy: [tempest('api.image.v2.admin.test_images_metadefs')] }),
	feature(108, 'tags are added to those there are'),
	feature(109, 'names by the prefix of a resource type'),

	// D: who is it
	feature(110, "Keystone's tokens", { shownBy: ['test/interop/keystone.test.ts', 'test/unit/keystone-identity.test.ts'] }),
	feature(111, 'without a token: 401'),
	feature(112, 'reading without a token', { shownBy: ['test/api/identity.test.ts'] }),
	feature(113, 'everybody is the administrator', { shownBy: ['test/unit/identity.test.ts'], differs: 'on loopback alone' }),
	feature(114, 'service tokens', { shownBy: ['test/unit/keystone-identity.test.ts'] }),
	feature(115, 'a token may end while an upload runs', {
		shownBy: ['test/api/identity.test.ts', 'test/interop/keystone.test.ts'],
		differs: 'an upload that began with a valid token ends well: no trust is needed',
	}),
	feature(116, 'roles in any letters', { shownBy: ['test/unit/keystone-identity.test.ts'] }),
	feature(117, 'pages of other origins (CORS)', { shownBy: ['test/api/origins.test.ts'] }),
	feature(118, 'what a proxy says of the client', { shownBy: ['test/api/rules.test.ts'] }),
	feature(119, 'the health of the service', { shownBy: ['test/api/door.test.ts'] }),
	feature(120, 'compressed answers', { notYet: 'not in Glance’s pipeline either; a proxy does it' }),
	feature(121, 'profiling by OSProfiler', { notYet: 'not planned' }),

	// E: what may they do
	feature(122, 'every rule of the policy', { shownBy: ['test/interop/oslo-policy.test.ts', 'test/unit/policy.test.ts'] }),
	feature(123, 'readers, members, administrators', {
		shownBy: ['test/interop/oslo-policy.test.ts', 'test/api/authorisation-matrix.test.ts'],
	}),
	feature(124, 'tokens of a project alone', { shownBy: ['test/unit/policy.test.ts'] }),
	feature(125, 'who makes public'),
	feature(126, 'who makes community'),
	feature(127, 'what is not seen is not found'),
	feature(128, "the operator's rules, read again on change", { shownBy: ['test/unit/policy-files.test.ts'] }),
	feature(129, 'properties protected by role', { shownBy: ['test/interop/property-protections.test.ts'] }),
	feature(130, 'properties protected by rule', { shownBy: ['test/interop/property-protections.test.ts'] }),

	// F: how much
	feature(131, 'the size of an image', { shownBy: ['test/contract/quota.test.ts', 'test/api/data.test.ts'] }),
	feature(132, 'the bytes of a project', { shownBy: ['test/contract/quota.test.ts'] }),
	feature(133, 'properties, tags, members of an image'),
	feature(134, 'locations of an image', { shownBy: ['test/api/locations.test.ts › locations by a patch › are as many'] }),
	feature(135, "Keystone's limits", {
		shownBy: [tempest('scenario.test_unified_limits'), 'test/interop/unified-limits.test.ts'],
	}),
	feature(136, 'usage is told'),

	// G: what is told, and what is done
	feature(137, 'notifications of images', {
		shownBy: ['test/interop/glance-notifications.test.ts', 'test/contract/notifier-sink.test.ts'],
	}),
	feature(138, 'notifications of members, tasks and definitions', {
		shownBy: ['test/interop/glance-notifications.test.ts', 'test/unit/notifier.test.ts'],
	}),
	feature(139, 'notifications that are not wanted', { shownBy: ['test/unit/notifier.test.ts'] }),
	feature(140, 'how many bytes a download sent', { shownBy: ['test/unit/notifier.test.ts'] }),
	feature(141, 'several places of the bytes', {
		shownBy: ['test/contract/content-fetch.test.ts', 'test/mesh/first-light.test.ts'],
		differs: 'holders and backends are tried, nearest first',
	}),
	feature(142, 'stores in an order of preference', {
		shownBy: ['test/contract/locations.test.ts › locations › are those of stores that hold the image, by weight'],
	}),
	feature(143, 'strategies of locations', { notYet: GONE }),
	feature(144, 'stores hear of members', { shownBy: ['test/contract/readers-keeper.test.ts'] }),
	feature(145, 'old locations are repaired', {
		shownBy: ['test/contract/store-cinder.test.ts'],
		differs: 'they are read as they are, and stay as they are',
	}),
	feature(146, 'tasks run in the background', { shownBy: ['test/api/tasks.test.ts'] }),
	feature(147, 'finished tasks expire', { shownBy: ['test/contract/tasks.test.ts'] }),
	feature(148, 'an encryption key is deleted with its image', {
		shownBy: ['test/contract/encryption-keys.test.ts'],
		differs:
			"after the image and not before its store has agreed; by a caller of the owner's project only; of an image deleted with delay it stays",
	}),

	// H: records
	feature(149, 'the registry service', { notYet: GONE }),
	feature(150, 'SQL databases', { notYet: 'the catalogue is embedded; PostgreSQL comes with a later release' }),
	feature(151, 'records in memory', { shownBy: ['test/contract/catalogue.test.ts'] }),
	feature(152, 'what was deleted is remembered', {
		shownBy: ['test/contract/catalogue.test.ts'],
		differs: 'an id is never used again',
	}),
	feature(153, 'old records are purged', { notYet: LATER }),
	feature(154, 'upgrades of stored records', {
		shownBy: ['test/unit/migrations.test.ts'],
		differs: 'by the node itself, at its start',
	}),
	feature(155, 'encrypted locations', { notYet: LATER }),
	feature(156, 'a state changes once', {
		shownBy: ['test/contract/image-controller.test.ts', 'test/properties/image-status.test.ts'],
	}),
	feature(157, 'one import holds the image', {
		shownBy: [
			'test/api/imports.test.ts › import › needs staged data and formats, once',
			'test/api/import-methods.test.ts › an import that a process did not end › holds the image',
		],
	}),
	feature(158, 'definitions are loaded from files', {
		shownBy: ['test/interop/glance-metadefs.test.ts', 'test/api/metadefs-cli.test.ts'],
	}),

	// I: stores
	feature(159, 'several stores', { shownBy: ['test/api/stores.test.ts', 'test/unit/stores-config.test.ts'] }),
	feature(160, 'stores of the server itself, for staging and tasks', {
		shownBy: ['test/contract/staging.test.ts'],
		differs: 'what is staged is kept with the node’s own contents',
	}),
	feature(161, 'weights and descriptions of stores', {
		shownBy: ['test/contract/locations.test.ts', 'test/unit/stores-config.test.ts'],
	}),
	feature(162, 'file: one folder or several', {
		shownBy: ['test/contract/store-file.test.ts', 'test/interop/file-store.test.ts'],
	}),
	feature(163, 'file: holes', { shownBy: ['test/contract/store-file.test.ts', 'test/interop/file-store.test.ts'] }),
	feature(164, 'file: a hung folder', {
		shownBy: ['test/fault/store-backends.test.ts'],
		differs: 'every call to a store of any kind has its time; `filesystem_store_timeout` is not needed',
	}),
	feature(165, 'rbd: snapshots that can be cloned', {
		shownBy: ['test/contract/store-rbd.test.ts', 'test/fault/store-rbd.test.ts', 'test/fault/store-kill.test.ts'],
	}),
	feature(166, 'rbd: deletion while there are clones', { shownBy: ['test/contract/store-rbd.test.ts'] }),
	feature(167, 'swift: one account or many, large objects', {
		shownBy: [
			...['test/contract/store-swift.test.ts', 'test/contract/store-swift-keystone.test.ts'],
			...['test/contract/store-swift-rgw.test.ts', 'test/fault/store-swift.test.ts'],
		],
	}),
	feature(168, 's3: uploads in parts', { shownBy: ['test/contract/store-s3.test.ts', 'test/fault/store-s3.test.ts'] }),
	feature(169, 'cinder: images as volumes', {
		shownBy: ['test/contract/store-cinder.test.ts', 'test/fault/store-cinder.test.ts', 'test/fault/store-kill.test.ts'],
	}),
	feature(170, 'http: reading what is on the web', {
		shownBy: [
			...['test/contract/store-http.test.ts', 'test/fault/http-store.test.ts'],
			'test/contract/origins.test.ts › a content that lies on a server without ranges only',
		],
	}),
	feature(171, 'vmware: datastores', { shownBy: ['test/contract/store-vmware.test.ts'] }),
	feature(172, 'sheepdog', { shownBy: ['test/contract/store-sheepdog.test.ts'] }),
	feature(173, 'what a kind of store can do', { shownBy: ['test/contract/store-driver.test.ts'] }),

	// J: clients, cache, operations
	feature(174, 'clients check what they download'),
	feature(175, 'the openstack and glance commands'),
	feature(176, 'glance-replicator', { notYet: 'sites replicate by themselves' }),
	feature(177, 'bytes that were read are kept', { shownBy: ['test/contract/content-fetch.test.ts'] }),
	feature(178, 'where the cache keeps its books', {
		differs: 'in the node’s own database',
		shownBy: ['test/contract/image-cache.test.ts'],
	}),
	feature(179, 'pruning, cleaning and fetching ahead', {
		shownBy: ['test/contract/image-cache.test.ts', 'test/mesh/cache.test.ts'],
		differs: 'by the API, not by commands',
	}),
	feature(180, 'an image is fetched ahead at once'),
	feature(181, 'deletion delayed', {
		shownBy: [
			'test/api/locations.test.ts › an image that is deleted with delay',
			'test/api/adoption.test.ts › deleted images over HTTP',
		],
	}),
	feature(182, 'what was staged is cleared at the start', {
		shownBy: ['test/contract/staging.test.ts', 'test/fault/content-crash.test.ts'],
	}),
	feature(183, 'glance-control', { notYet: GONE }),
	feature(184, 'as WSGI in another server', { notYet: 'a node is a process of its own' }),
	feature(185, "a worker's own address", {
		shownBy: [tempest('api.image.v2.test_images.ImportImagesTest.test_remote_')],
		differs: 'not needed: the nodes of a site know one another',
	}),
	feature(186, 'a check before an upgrade', { notYet: LATER }),
];
