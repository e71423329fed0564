/** Certificates as files that an operator has put into one folder: `<uuid>.pem`, `.crt` or `.der`. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '#lib/log.ts';
import { type Certificates, MAX_CERTIFICATE_BYTES } from './ports.ts';
import { refusal } from './refusal.ts';

const EXTENSIONS = ['.pem', '.crt', '.der'];
/** A link would lead out of the folder, and a pipe of that name would never open. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface CertificateFolderOptions {
	/** absolute; read anew for each image */
	readonly dir: string;
	readonly log: Log;
}

export function createCertificateFolder({ dir, log }: CertificateFolderOptions): Certificates {
	return {
		async find(id) {
			for (const extension of EXTENSIONS) {
				const path = join(dir, `${id}${extension}`);
				try {
					const bytes = await readSmall(path);
					if (bytes !== undefined) return bytes;
				} catch (cause) {
					log.error({ err: cause, path }, 'a certificate of images cannot be read');
					throw refusal(`certificate ${id} cannot be read`, { cause });
				}
			}
			return undefined;
		},
	};
}

async function readSmall(path: string): Promise<Uint8Array | undefined> {
	const file = await opened(path);
	if (file === undefined) return undefined;
	try {
		if (!(await file.stat()).isFile()) throw new Error('it is not a file');
		// one byte more than may be there, so that a file that grows meanwhile is noticed
		const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_CERTIFICATE_BYTES + 1), 0, MAX_CERTIFICATE_BYTES + 1, 0);
		if (bytesRead > MAX_CERTIFICATE_BYTES) throw new Error(`it is longer than ${MAX_CERTIFICATE_BYTES} bytes`);
		return buffer.subarray(0, bytesRead);
	} finally {
		await file.close();
	}
}

async function opened(path: string): Promise<FileHandle | undefined> {
	try {
		return await open(path, FLAGS);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw error;
	}
}
