/**
 * A sheep of this repository: one node of Sheepdog's protocol, version 2, in memory, made from notes of what a real node was seen to
 * do. It shares no line with the driver. It is no real cluster, and what passes here has not been shown to pass there.
 *
 * Kept to: names are unique (0x04); objects of a snapshot are not written (0x1A); copy-on-write by cow_oid; an object that is not
 * there is 0x02; runs of zeros at either end of what is read are left out, with the offset of what remains; a deleted image takes
 * along the objects that its index names, and no others.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';

export interface SheepdogServer extends AsyncDisposable {
	readonly port: number;
	/** opcodes, in order of arrival */
	readonly seen: readonly number[];
	/** data objects of all images */
	objectCount(): number;
	/** names of working images */
	names(): readonly string[];
	/** size that an image's inode tells, wherever the image is in its life */
	sizeOf(name: string): bigint | undefined;
	/** Makes the working image of that name a snapshot, and a new working image on it. */
	snapshot(name: string, tag: string): void;
	/** What becomes of the request of that number, from 1: `cut` closes the connection before it is done, `late` after. */
	meddle: (request: {
		readonly op: number;
		readonly count: number;
	}) => 'cut' | 'late' | number | ((answer: Buffer) => Buffer) | undefined;
	/** of all connections now */
	connections(): number;
}

const OBJECT = 4 * 1024 * 1024;
const INDEX = 4664;
const INODE = INDEX + 4 * 2 ** 20;
const OK = 0;
const NO_OBJECT = 0x02;
const EXISTS = 0x04;
const BAD = 0x05;
const NO_VDI = 0x08;
const READ_ONLY = 0x1a;

interface Reply {
	readonly result: number;
	readonly data?: Buffer;
	readonly fill?: (header: Buffer) => void;
}

export async function startSheepdogServer(): Promise<SheepdogServer> {
	const inodes = new Map<number, Buffer>();
	const objects = new Map<bigint, Buffer>();
	const seen: number[] = [];
	const sockets = new Set<Socket>();
	const isSnapshot = (vid: number) => (inodes.get(vid)?.readBigUInt64LE(520) ?? 0n) !== 0n;
	const textAt = (bytes: Buffer, at: number) => bytes.toString('utf8', at, at + 256).replace(/\0.*$/s, '');
	const lookUp = (name: string, tag: string) =>
		[...inodes].find(
			([vid, inode]) => textAt(inode, 0) === name && (tag === '' ? !isSnapshot(vid) : textAt(inode, 256) === tag),
		)?.[0];

	function newVid(name: string): number {
		let vid = 0;
		for (const byte of Buffer.from(name)) vid = (vid * 31 + byte) % 2 ** 24;
		while (vid === 0 || inodes.has(vid)) vid = (vid + 1) % 2 ** 24;
		return vid;
	}

	function makeVdi(name: string, size: bigint, base: number, asSnapshot: boolean, shift: number): Reply {
		const existing = lookUp(name, '');
		if (name === '' || ![0, 22].includes(shift)) return { result: BAD };
		if (existing !== undefined && !(asSnapshot && existing === base)) return { result: EXISTS };
		if (base !== 0 && !inodes.has(base)) return { result: NO_VDI };
		const inode = Buffer.alloc(INODE);
		if (base !== 0) inodes.get(base)!.copy(inode, INDEX, INDEX);
		const vid = newVid(name);
		if (asSnapshot) inodes.get(base)!.writeBigUInt64LE(1n, 520);
		inode.write(name, 0);
		inode.writeBigUInt64LE(1n, 512);
		inode.writeBigUInt64LE(size, 536);
		inode.writeUInt8(1, 554);
		inode.writeUInt8(22, 555);
		inode.writeUInt32LE(vid, 560);
		inode.writeUInt32LE(base, 564);
		inodes.set(vid, inode);
		return { result: OK, fill: (header) => void header.writeUInt32LE(vid, 24) };
	}

	function deleteVdi(name: string, tag: string): Reply {
		const vid = lookUp(name, tag);
		if (name === '' || vid === undefined) return { result: NO_VDI };
		const inode = inodes.get(vid)!;
		for (let index = 0; index < 2 ** 20; index += 1)
			if (inode.readUInt32LE(INDEX + 4 * index) === vid) objects.delete((BigInt(vid) << 32n) | BigInt(index));
		inode.fill(0, 0, 512);
		// its number is not given again while the node runs
		return { result: OK };
	}

	function write(oid: bigint, offset: number, data: Buffer, header: Buffer, create: boolean): Reply {
		const isInode = oid >= 1n << 63n;
		const vid = Number((oid >> 32n) & 0xffffffn);
		if (isSnapshot(vid)) return { result: READ_ONLY };
		if (isInode) {
			const inode = inodes.get(vid);
			if (inode === undefined || create) return { result: NO_OBJECT };
			if (offset + data.length > inode.length) return { result: BAD };
			data.copy(inode, offset);
			return { result: OK };
		}
		if (offset + data.length > OBJECT) return { result: BAD };
		const cow = (header.readUInt16LE(2) & 2) !== 0 ? objects.get(header.readBigUInt64LE(24)) : Buffer.alloc(OBJECT);
		const object = create ? cow && Buffer.from(cow) : objects.get(oid);
		if (object === undefined) return { result: NO_OBJECT };
		data.copy(object, offset);
		objects.set(oid, object);
		return { result: OK };
	}

	function read(oid: bigint, offset: number, length: number): Reply {
		const whole = oid >= 1n << 63n ? inodes.get(Number((oid >> 32n) & 0xffffffn)) : objects.get(oid);
		if (whole === undefined) return { result: NO_OBJECT };
		if (offset + length > whole.length) return { result: BAD };
		const part = whole.subarray(offset, offset + length);
		let [start, end] = [0, part.length];
		while (start < end && part[start] === 0) start += 1;
		while (end > start && part[end - 1] === 0) end -= 1;
		const fill = (header: Buffer) => {
			header.writeUInt8(1, 20);
			header.writeBigUInt64LE(BigInt(offset + start), 24);
		};
		return { result: OK, data: Buffer.from(part.subarray(start, end)), fill };
	}

	function act(header: Buffer, data: Buffer): Reply {
		const op = header.readUInt8(1);
		const writes = (header.readUInt16LE(2) & 1) !== 0;
		if (header.readUInt32LE(4) !== 0 || writes === (op === 0x02)) return { result: BAD };
		const [oid, offset] = [header.readBigUInt64LE(16), header.readUInt32LE(40)];
		const [name, tag] = [textAt(data, 0), textAt(data, 256)];
		if (op === 0x01 || op === 0x03) return write(oid, offset, data, header, op === 0x01);
		if (op === 0x02) return read(oid, offset, header.readUInt32LE(12));
		if (op === 0x04) return { result: objects.delete(oid) ? OK : NO_OBJECT };
		if (op === 0x11 && data.length === 256)
			return makeVdi(name, oid, header.readUInt32LE(24), header.readUInt32LE(32) === 1, header.readUInt8(31));
		if (op === 0x14 && data.length === 512) {
			const vid = lookUp(name, tag);
			return vid === undefined ? { result: NO_VDI } : { result: OK, fill: (answer) => void answer.writeUInt32LE(vid, 24) };
		}
		if (op === 0x17 && data.length === 512) return deleteVdi(name, tag);
		return { result: BAD };
	}

	async function serve(socket: Socket): Promise<void> {
		let held = Buffer.alloc(0);
		for await (const chunk of socket as AsyncIterable<Buffer>) {
			held = Buffer.concat([held, chunk]);
			for (;;) {
				if (held.length < 48) break;
				const sent = (held.readUInt16LE(2) & 1) !== 0 ? held.readUInt32LE(12) : 0;
				if (held.length < 48 + sent) break;
				const [header, data] = [held.subarray(0, 48), held.subarray(48, 48 + sent)];
				held = Buffer.from(held.subarray(48 + sent));
				const op = header.readUInt8(1);
				seen.push(op);
				const meddled = server.meddle({ op, count: seen.length });
				if (header.readUInt8(0) !== 2 || meddled === 'cut') return void socket.destroy();
				const reply = typeof meddled === 'number' ? { result: meddled } : act(header, data);
				if (meddled === 'late') return void socket.destroy();
				const answer = Buffer.alloc(48);
				header.copy(answer, 0, 0, 12);
				answer.writeUInt32LE(reply.data?.length ?? 0, 12);
				answer.writeUInt32LE(reply.result, 16);
				reply.fill?.(answer);
				const whole = reply.data === undefined ? answer : Buffer.concat([answer, reply.data]);
				socket.write(typeof meddled === 'function' ? meddled(whole) : whole);
			}
		}
	}

	const listener = createServer((socket) => {
		sockets.add(socket);
		socket.on('error', () => undefined);
		socket.once('close', () => sockets.delete(socket));
		serve(socket).catch(() => socket.destroy());
	});
	listener.listen(0, '127.0.0.1');
	await once(listener, 'listening');
	const server: SheepdogServer = {
		port: (listener.address() as AddressInfo).port,
		seen,
		objectCount: () => objects.size,
		names: () => [...inodes].filter(([vid]) => !isSnapshot(vid)).flatMap(([, inode]) => textAt(inode, 0) || []),
		sizeOf: (name) => inodes.get(lookUp(name, '') ?? -1)?.readBigUInt64LE(536),
		snapshot(name, tag) {
			const vid = lookUp(name, '')!;
			inodes.get(vid)!.write(tag, 256);
			makeVdi(name, inodes.get(vid)!.readBigUInt64LE(536), vid, true, 0);
		},
		meddle: () => undefined,
		connections: () => sockets.size,
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) socket.destroy();
			listener.close();
			await once(listener, 'close');
		},
	};
	return server;
}
