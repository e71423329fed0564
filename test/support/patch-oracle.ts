/**
 * What a patch of an image must do, written from the API's documents and not from our code: every fault of every
 * operation, or the image afterwards. Image API v2, "Update image"; glance/api/v2 for what they leave open.
 */

export interface PatchedImage {
	readonly status: string;
	readonly base: Readonly<Record<string, unknown>>;
	readonly properties: Readonly<Record<string, string>>;
	readonly tags: readonly string[];
}

export type Verdict = { readonly faults: ReadonlySet<400 | 403 | 409> } | { readonly image: PatchedImage };

const READ_ONLY =
	'created_at updated_at status checksum size virtual_size direct_url self file schema stores id os_hash_algo os_hash_value'.split(
		' ',
	);
const RESERVED = ['location', 'locations', 'deleted', 'deleted_at'];
const isText = (value: unknown, most = Number.POSITIVE_INFINITY) =>
	typeof value === 'string' && [...value].length <= most && !/\p{Surrogate}/u.test(value) && !value.includes('\0');
const isCount = (value: unknown) => typeof value === 'number' && value % 1 === 0 && value >= 0 && value < 2 ** 31;
const isOne = (allowed: string) => (value: unknown) => typeof value === 'string' && allowed.split(' ').includes(value);
const DISK = isOne('ami ari aki vhd vhdx vmdk raw qcow2 vdi iso ploop');
const CONTAINER = isOne('ami ari aki bare ovf ova docker compressed');
const IMAGE_ID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

const BASE = new Map<string, (value: unknown) => boolean>(
	Object.entries({
		name: (value: unknown) => value === null || isText(value, 255),
		owner: (value: unknown) => value === null || isText(value, 255),
		visibility: isOne('public private shared community'),
		protected: (value: unknown) => value === true || value === false,
		os_hidden: (value: unknown) => value === true || value === false,
		min_disk: isCount,
		min_ram: isCount,
		disk_format: (value: unknown) => value === null || DISK(value),
		container_format: (value: unknown) => value === null || CONTAINER(value),
		tags: (value: unknown) => Array.isArray(value) && value.every((tag) => isText(tag, 255)),
	}),
);
const PROPERTY = new Map<string, (value: unknown) => boolean>(
	Object.entries({
		kernel_id: (value: unknown) => value === null || (typeof value === 'string' && IMAGE_ID.test(value)),
		ramdisk_id: (value: unknown) => value === null || (typeof value === 'string' && IMAGE_ID.test(value)),
		cinder_encryption_key_deletion_policy: isOne('on_image_deletion do_not_delete'),
	}),
);

export function judgePatch(version: '2.0' | '2.1', before: PatchedImage, body: unknown): Verdict {
	const faults = new Set<400 | 403 | 409>();
	const base = { ...before.base };
	const properties = new Map(Object.entries(before.properties));
	let tags = [...before.tags];
	if (!Array.isArray(body)) return { faults: new Set([400] as const) };
	for (const item of body) {
		const read = readOperation(version, item);
		if (read === undefined) {
			faults.add(400);
			continue;
		}
		const { op, name, depth, value } = read;
		if (name === 'locations' ? !locationDepth(op, depth) : depth.length > 0) faults.add(400);
		else if (READ_ONLY.includes(name) || RESERVED.includes(name) || name.startsWith('os_glance')) faults.add(403);
		else if (op === 'remove') {
			if (BASE.has(name)) faults.add(403);
			else if (!properties.delete(name)) faults.add(409);
		} else if (BASE.has(name)) {
			if (!BASE.get(name)?.(value)) faults.add(400);
			if (version === '2.0' && op === 'add') faults.add(409);
			if (/_format$/.test(name) && before.status !== 'queued' && before.status !== 'importing') faults.add(403);
			if (name === 'tags') tags = Array.isArray(value) ? [...new Set(value)] : [];
			else base[name] = value;
		} else {
			const fits = PROPERTY.get(name) ?? ((given: unknown) => isText(given));
			if (!fits(value) || !isText(name, 255) || name === '' || name === '__proto__') faults.add(400);
			if (op === 'replace' && !properties.has(name)) faults.add(409);
			if (op === 'add' && version === '2.0' && properties.has(name)) faults.add(409);
			properties.set(name, (value ?? '') as string);
		}
	}
	if (faults.size > 0) return { faults };
	return { image: { status: before.status, base, properties: Object.fromEntries(properties), tags } };
}

interface Read {
	readonly op: string;
	readonly name: string;
	readonly depth: readonly string[];
	readonly value: unknown;
}

function readOperation(version: '2.0' | '2.1', item: unknown): Read | undefined {
	if (typeof item !== 'object' || item === null || Array.isArray(item)) return undefined;
	const members = new Map<string, unknown>(Object.entries(item));
	const named = ['add', 'remove', 'replace'].filter((each) => members.has(each));
	const op = version === '2.1' ? members.get('op') : named.length === 1 ? named[0] : undefined;
	const pointer = version === '2.1' ? members.get('path') : members.get(String(op));
	if (op !== 'add' && op !== 'remove' && op !== 'replace') return undefined;
	if (op !== 'remove' && !members.has('value')) return undefined;
	if (typeof pointer !== 'string' || pointer[0] !== '/' || pointer.at(-1) === '/' || pointer.includes('//')) return undefined;
	if (pointer.replaceAll('~0', '').replaceAll('~1', '').includes('~')) return undefined;
	const [name = '', ...depth] = pointer
		.slice(1)
		.split('/')
		.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~').trim());
	return { op, name, depth, value: members.get('value') };
}

function locationDepth(op: string, depth: readonly string[]): boolean {
	const [at = ''] = depth;
	if (op === 'replace') return depth.length === 0;
	return depth.length === 1 && (/^\d+$/.test(at) || (op === 'add' && at === '-'));
}
