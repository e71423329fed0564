/** The file system's refusals in the words of stores. What is being done decides what they mean; no message carries a path. */
import { type ErrorCode, ImageError } from '#domain/errors.ts';
import { FILE_SYSTEM_CODES } from '#lib/file-system-codes.ts';

type Terms = Readonly<Record<string, ErrorCode>>;

const STRANGE: Terms = {
	ELOOP: 'store-failed',
	EISDIR: 'store-failed',
	ENOTDIR: 'unavailable',
	EIO: 'unavailable',
	ESTALE: 'unavailable',
};

export const READING: Terms = {
	...STRANGE,
	ENOENT: 'not-found',
	EACCES: 'store-failed',
	EPERM: 'store-failed',
	ENXIO: 'store-failed',
};
/** A name that is missing while one writes is the folder's own. */
export const WRITING: Terms = { ...STRANGE, ...FILE_SYSTEM_CODES, EEXIST: 'conflict', ENOENT: 'unavailable' };
export const REMOVING: Terms = { ...STRANGE, ENOENT: 'not-found', EACCES: 'forbidden', EPERM: 'forbidden', EROFS: 'forbidden' };

export async function inTerms<T>(terms: Terms, subject: string, work: Promise<T>): Promise<T> {
	try {
		return await work;
	} catch (error) {
		const { code = '' } = error as NodeJS.ErrnoException;
		if (error instanceof ImageError || terms[code] === undefined) throw error;
		throw new ImageError(terms[code], `${subject}: ${code}`, { cause: error });
	}
}
