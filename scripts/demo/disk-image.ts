/**
 * A real, bootable disk image to play with, out of a Debian package and without root: fetched by apt, unpacked by
 * dpkg-deb, kept in the user's cache. Whatever is missing is said; nothing else is ever passed off as one.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Packages that hold a bootable ISO 9660 image, and its path inside. */
const PACKAGES = [
	{ name: 'grub-rescue-pc', path: 'usr/lib/grub-rescue/grub-rescue-cdrom.iso' },
	{ name: 'memtest86+', path: 'boot/memtest86+x64.iso' },
	{ name: 'ipxe', path: 'usr/lib/ipxe/ipxe.iso' },
] as const;
const LOCAL_PLACES = ['/usr/lib/grub-rescue/grub-rescue-cdrom.iso', '/usr/lib/ipxe/ipxe.iso'] as const;

export interface DiskImage {
	readonly path: string;
	readonly name: string;
	/** bytes */
	readonly size: number;
	readonly diskFormat: 'iso' | 'qcow2' | 'raw';
	/** where it is from, for people */
	readonly origin: string;
}

/** Something the user must do first; the message says what. */
export class Missing extends Error {
	override readonly name = 'Missing';
}

type Say = (text: string) => void;

export async function givenImage(path: string): Promise<DiskImage> {
	const found = await stat(path).catch(() => undefined);
	if (found === undefined || !found.isFile()) throw new Missing(`${path} is not a file`);
	return { path, name: basename(path), size: found.size, diskFormat: await formatOf(path), origin: path };
}

export async function debianImage(say: Say): Promise<DiskImage> {
	const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sundog', 'demo');
	await mkdir(cache, { recursive: true });
	for (const { name, path } of PACKAGES) {
		const cached = join(cache, basename(path));
		const there = await isoAt(cached, `Debian's ${name}, kept in ${cache}`);
		if (there !== undefined) return there;
	}
	for (const path of LOCAL_PLACES) {
		const installed = await isoAt(path, `${path} of this machine`);
		if (installed !== undefined) return installed;
	}
	const obstacles: string[] = [];
	for (const candidate of PACKAGES) {
		say(`getting ${candidate.name} with apt-get download`);
		const why = await fetchFrom(candidate, cache).catch((error: Error & { stderr?: string }) => reason(error));
		const got = await isoAt(join(cache, basename(candidate.path)), `Debian's ${candidate.name}`);
		if (got !== undefined) return got;
		obstacles.push(`${candidate.name}: ${why ?? `holds no ${candidate.path}`}`);
	}
	return homeMadeIso(cache, obstacles, say);
}

/** The same disk in the format clouds use; undefined where qemu-img is not installed. */
export async function qcow2Of(image: DiskImage, dir: string): Promise<DiskImage | undefined> {
	const name = `${image.name.replace(/\.[^.]+$/, '')}.qcow2`;
	const path = join(dir, name);
	try {
		await run('qemu-img', ['convert', '-f', image.diskFormat === 'qcow2' ? 'qcow2' : 'raw', '-O', 'qcow2', image.path, path]);
	} catch (error) {
		if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
		throw error;
	}
	return { path, name, size: (await stat(path)).size, diskFormat: 'qcow2', origin: `qemu-img convert of ${image.name}` };
}

async function fetchFrom({ name, path }: (typeof PACKAGES)[number], cache: string): Promise<undefined> {
	const dir = await mkdtemp(join(tmpdir(), 'sundog-demo-'));
	try {
		await run('apt-get', ['download', name], { cwd: dir, timeout: 120_000 });
		const [archive] = (await readdir(dir)).filter((entry) => entry.endsWith('.deb'));
		if (archive === undefined) return undefined;
		await run('dpkg-deb', ['-x', archive, 'tree'], { cwd: dir });
		const to = join(cache, basename(path));
		await copyFile(join(dir, 'tree', path), `${to}.part`);
		await rename(`${to}.part`, to);
		return undefined;
	} finally {
		await rm(dir, { recursive: true, force: true });
	}
}

/** Says plainly that this disk boots nothing. */
async function homeMadeIso(cache: string, obstacles: readonly string[], say: Say): Promise<DiskImage> {
	const why = `no bootable image could be had from Debian packages:\n  ${obstacles.join('\n  ')}`;
	const path = join(cache, 'documents.iso');
	for (const tool of [['genisoimage'], ['xorriso', '-as', 'mkisofs']] as const) {
		const [command, ...before] = tool;
		const made = await run(command, [...before, '-quiet', '-J', '-r', '-o', path, '/usr/share/common-licenses']).then(
			() => true,
			() => false,
		);
		if (made) {
			say(`${why}\nmade an ISO of this machine's own files instead: a true file system image, but nothing boots from it`);
			const image = await isoAt(path, `${command} of /usr/share/common-licenses (not bootable)`);
			if (image !== undefined) return image;
		}
	}
	throw new Missing(`${why}\ngive one with: npm run demo -- --file PATH`);
}

/** Undefined unless an ISO 9660 image is there. */
async function isoAt(path: string, origin: string): Promise<DiskImage | undefined> {
	const found = await stat(path).catch(() => undefined);
	if (found === undefined || (await formatOf(path)) !== 'iso') return undefined;
	return { path, name: basename(path), size: found.size, diskFormat: 'iso', origin };
}

const ISO_MAGIC_AT = 0x8001;

async function formatOf(path: string): Promise<DiskImage['diskFormat']> {
	await using file = await open(path);
	const head = Buffer.alloc(ISO_MAGIC_AT + 5);
	await file.read(head, 0, head.length, 0);
	if (head.toString('latin1', ISO_MAGIC_AT) === 'CD001') return 'iso';
	return head.toString('latin1', 0, 4) === 'QFI\xfb' ? 'qcow2' : 'raw';
}

function reason(error: Error & { stderr?: string; code?: unknown }): string {
	if (error.code === 'ENOENT') return 'this machine has no apt-get or dpkg-deb';
	return (error.stderr ?? error.message).trim().split('\n').at(-1) ?? error.message;
}
