/**
 * librados and librbd by koffi. Two kinds of calls: those that only start or look at something and return at once, made on
 * the loop; and those that wait for the cluster, made on a thread of the pool and therefore few at a time (calls.ts).
 * Pointers are bigints; a pointer to be filled in is a buffer of eight bytes that lives until the call is done.
 */
import { promisify } from 'node:util';
import { ImageError } from '#domain/errors.ts';

export type Pointer = bigint;
type Argument = Pointer | Uint8Array | string | number | null;

const QUICK = [
	'int rados_conf_set(void *cluster, str option, str value)',
	'int rados_conf_get(void *cluster, str option, void *buffer, size_t length)',
	'void rados_ioctx_destroy(void *io)',
	'void rados_set_osdmap_full_try(void *io)',
	'int rbd_aio_create_completion(void *argument, void *callback, void *completion)',
	'int rbd_aio_is_complete(void *completion)',
	'int64_t rbd_aio_get_return_value(void *completion)',
	'void rbd_aio_release(void *completion)',
	'int rbd_aio_open(void *io, str name, void *image, str snapshot, void *completion)',
	'int rbd_aio_open_read_only(void *io, str name, void *image, str snapshot, void *completion)',
	'int rbd_aio_close(void *image, void *completion)',
	'int rbd_aio_read(void *image, uint64_t offset, size_t length, void *buffer, void *completion)',
	'int rbd_aio_write(void *image, uint64_t offset, size_t length, void *buffer, void *completion)',
	'int rbd_aio_flush(void *image, void *completion)',
] as const;

const SLOW = [
	'int rados_create(void *cluster, str id)',
	'int rados_conf_read_file(void *cluster, str path)',
	'int rados_connect(void *cluster)',
	'void rados_shutdown(void *cluster)',
	'int rados_cluster_fsid(void *cluster, void *buffer, size_t length)',
	'int rados_ioctx_create(void *cluster, str pool, void *io)',
	'int rados_stat(void *io, str object, void *size, void *mtime)',
	'int rbd_create3(void *io, str name, uint64_t size, uint64_t features, void *order, uint64_t stripe_unit, uint64_t stripe_count)',
	'int rbd_remove(void *io, str name)',
	'int rbd_trash_move(void *io, str name, uint64_t delay)',
	'int rbd_resize(void *image, uint64_t size)',
	'int rbd_get_size(void *image, void *size)',
	'int rbd_snap_create(void *image, str name)',
	'int rbd_snap_remove(void *image, str name)',
	'int rbd_snap_protect(void *image, str name)',
	'int rbd_snap_unprotect(void *image, str name)',
	'int rbd_snap_is_protected(void *image, str name, void *answer)',
] as const;

type NameOf<Declaration> = Declaration extends `${string} ${infer Name}(${string}` ? Name : never;

export interface Native {
	readonly quick: Readonly<Record<NameOf<(typeof QUICK)[number]>, (...args: readonly Argument[]) => number>>;
	readonly slow: Readonly<Record<NameOf<(typeof SLOW)[number]>, (...args: readonly Argument[]) => Promise<number>>>;
}

let loaded: Native | undefined;

/** `store-failed` where koffi or Ceph's libraries are not installed. */
export async function loadNative(): Promise<Native> {
	loaded ??= await load();
	return loaded;
}

async function load(): Promise<Native> {
	const koffi = await import('koffi').catch((cause: unknown) => {
		throw new ImageError('store-failed', 'the package koffi is not installed', { cause });
	});
	const open = (name: string, debian: string) => {
		try {
			return koffi.load(name);
		} catch (cause) {
			throw new ImageError('store-failed', `${name} cannot be loaded: install Ceph's client libraries (${debian})`, { cause });
		}
	};
	const libraries = { rados: open('librados.so.2', 'librados2'), rbd: open('librbd.so.1', 'librbd1') };
	const find = (declaration: string) => {
		const name = nameOf(declaration);
		return [name, libraries[name.startsWith('rados_') ? 'rados' : 'rbd'].func(declaration)] as const;
	};
	return {
		quick: Object.fromEntries(QUICK.map(find)) as unknown as Native['quick'],
		slow: Object.fromEntries(
			SLOW.map(find).map(([name, call]) => [name, promisify(call.async.bind(call))]),
		) as unknown as Native['slow'],
	};
}

function nameOf(declaration: string): string {
	return declaration.slice(declaration.indexOf(' ') + 1, declaration.indexOf('('));
}

/** A place for a pointer or a number of 64 bits that a call fills in. */
export const place = (): Buffer => Buffer.alloc(8);
